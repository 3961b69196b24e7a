import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { EmulatedVault } from "./emulated-vault";

let world: EmulatedVault;
let nowMs = Date.UTC(2026, 0, 1);
let names = 0;
const newName = (): string => `secret-${(names += 1)}`;

beforeAll(async () => {
  world = await EmulatedVault.start({ nowMs: () => nowMs });
});
afterAll(() => world.close());

test("a secret is set and got, newest and by version", async () => {
  const client = world.client();
  const name = newName();
  const first = await client.setSecret(name, "one", {
    contentType: "text/plain",
    tags: { of: "a test" },
  });
  expect(first).toMatchObject({
    name,
    value: "one",
    properties: {
      enabled: true,
      contentType: "text/plain",
      tags: { of: "a test" },
      createdOn: new Date(nowMs),
      updatedOn: new Date(nowMs),
      vaultUrl: world.vault.url,
      recoveryLevel: "Recoverable+Purgeable",
      recoverableDays: 90,
    },
  });
  expect(first.properties.version).toMatch(/^[0-9a-f]{32}$/);
  nowMs += 1_000;
  const second = await client.setSecret(name, "two");
  expect(await client.getSecret(name)).toEqual(second);
  const { version = "" } = first.properties;
  expect((await client.getSecret(name, { version })).value).toBe("one");
  expect((await client.getSecret(name.toUpperCase(), { version })).value).toBe("one");
});

test("versions are listed over pages without their values, ordered by id", async () => {
  const client = world.client();
  const name = newName();
  const ids: (string | undefined)[] = [];
  for (let n = 0; n < 60; n += 1)
    ids.push((await client.setSecret(name, `value ${n}`)).properties.version);
  const before = world.vault.stats()["requests.secrets.versions"] ?? 0;
  const listed: (string | undefined)[] = [];
  for await (const properties of client.listPropertiesOfSecretVersions(name)) {
    listed.push(properties.version);
    expect(JSON.stringify(properties)).not.toContain("value ");
  }
  expect(listed).toEqual(ids.toSorted());
  expect((world.vault.stats()["requests.secrets.versions"] ?? 0) - before).toBe(3);
  const pages = [];
  for await (const page of client.listPropertiesOfSecretVersions(name).byPage({ maxPageSize: 20 }))
    pages.push(page.length);
  expect(pages).toEqual([20, 20, 20]);
});

test("secrets are listed, each with the properties of its newest version", async () => {
  const client = world.client();
  const name = newName();
  await client.setSecret(name, "one");
  await client.setSecret(name, "two", { enabled: false });
  const listed = [];
  for await (const properties of client.listPropertiesOfSecrets()) listed.push(properties);
  const ours = listed.filter((properties) => properties.name === name);
  expect(ours).toMatchObject([{ name, enabled: false }]);
  expect(ours[0]?.version).toBeUndefined();
});

test("a disabled version is refused with 403 and stays listed", async () => {
  const client = world.client();
  const name = newName();
  const { version = "" } = (await client.setSecret(name, "one")).properties;
  nowMs += 5_000;
  const updated = await client.updateSecretProperties(name, version, { enabled: false });
  expect(updated).toMatchObject({ enabled: false, updatedOn: new Date(nowMs) });
  await expect(client.getSecret(name)).rejects.toMatchObject({
    statusCode: 403,
    code: "Forbidden",
    details: {
      error: {
        code: "Forbidden",
        message: "Operation get is not allowed on a disabled secret.",
        innerError: { code: "SecretDisabled" },
      },
    },
  });
  for await (const properties of client.listPropertiesOfSecretVersions(name))
    expect(properties).toMatchObject({ version, enabled: false });
  await client.updateSecretProperties(name, version, { enabled: true });
  expect((await client.getSecret(name)).value).toBe("one");
});

test("a version outside of its dates is returned, as the service does", async () => {
  const client = world.client();
  const name = newName();
  const past = new Date(nowMs - 60_000);
  const future = new Date(nowMs + 3_600_000);
  await client.setSecret(name, "expired", { expiresOn: past });
  expect(await client.getSecret(name)).toMatchObject({
    value: "expired",
    properties: { expiresOn: past },
  });
  await client.setSecret(name, "early", { notBefore: future });
  expect(await client.getSecret(name)).toMatchObject({
    value: "early",
    properties: { notBefore: future },
  });
});

test("what is changed of a version leaves the rest", async () => {
  const client = world.client();
  const name = newName();
  const { version = "" } = (await client.setSecret(name, "one", { tags: { a: "1" } })).properties;
  await client.updateSecretProperties(name, version, { expiresOn: new Date(nowMs + 1_000) });
  expect((await client.getSecret(name)).properties).toMatchObject({
    tags: { a: "1" },
    enabled: true,
    expiresOn: new Date(nowMs + 1_000),
  });
});

test("an unknown secret and an unknown version are 404, and an unknown secret has no versions", async () => {
  const client = world.client();
  const missing = { statusCode: 404, code: "SecretNotFound" };
  await expect(client.getSecret("nobody-made-it")).rejects.toMatchObject(missing);
  const name = newName();
  await client.setSecret(name, "one");
  await expect(client.getSecret(name, { version: "0".repeat(32) })).rejects.toMatchObject(missing);
  for await (const { version } of client.listPropertiesOfSecretVersions("nobody-made-it"))
    throw new Error(`there is a version ${version}`);
});

test("a deleted secret is gone until it is recovered, and its name is free once it is purged", async () => {
  const client = world.client();
  const name = newName();
  await client.setSecret(name, "one");
  const deletion = await client.beginDeleteSecret(name, { intervalInMs: 1 });
  expect(await deletion.pollUntilDone()).toMatchObject({ name });
  await expect(client.getSecret(name)).rejects.toMatchObject({ statusCode: 404 });
  await expect(client.setSecret(name, "two")).rejects.toMatchObject({
    statusCode: 409,
    code: "Conflict",
  });
  const recovery = await client.beginRecoverDeletedSecret(name, { intervalInMs: 1 });
  await recovery.pollUntilDone();
  expect((await client.getSecret(name)).value).toBe("one");
  await (await client.beginDeleteSecret(name, { intervalInMs: 1 })).pollUntilDone();
  await client.purgeDeletedSecret(name);
  expect((await client.setSecret(name, "three")).value).toBe("three");
});
