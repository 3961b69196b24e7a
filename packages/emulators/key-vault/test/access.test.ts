import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { EmulatedVault } from "./emulated-vault";

const value = "canary-value";
let world: EmulatedVault;

beforeAll(async () => {
  world = await EmulatedVault.start();
  await world.client().setSecret("work-key", value);
  await world.client().setSecret("other", value);
});
afterEach(() => world.vault.faults.clear());
afterAll(() => world.close());

const forbidden = { statusCode: 403, code: "Forbidden" };

test("without a token, the reply names where to get one and for what", async () => {
  const reply = await world.fetch("/secrets/work-key?api-version=7.6");
  expect(reply.status).toBe(401);
  expect(reply.headers.get("www-authenticate")).toBe(
    `Bearer authorization="${world.entra.issuer.replace("/v2.0", "")}", resource="https://vault.azure.net"`,
  );
  expect(await reply.json()).toEqual({
    error: {
      code: "Unauthorized",
      message: "AKV10000: Request is missing a Bearer or PoP token.",
    },
  });
});

test("a token for another audience, an expired one and a forged one are refused", async () => {
  const expired = await world.entra.issueToken({
    clientId: "operator",
    audience: "https://vault.azure.net",
    expiresInSeconds: -60,
  });
  const good = await world.token();
  const tokens = [
    await world.token("operator", "https://graph.microsoft.com"),
    expired,
    `${good.slice(0, -8)}AAAAAAAA`,
    "not-a-token",
  ];
  for (const token of tokens) {
    const reply = await world.fetch("/secrets/work-key?api-version=7.6", { token });
    expect(reply.status).toBe(401);
    expect(await reply.text()).not.toContain(value);
  }
});

test("the client refuses the challenge of a host that is not in the vault's domain", async () => {
  const strict = world.client("operator", { disableChallengeResourceVerification: false });
  await expect(strict.getSecret("work-key")).rejects.toThrow("does not match the requested domain");
});

test("each identity does what its rights say, and nothing else", async () => {
  const cloud = world.client("cloud");
  expect((await cloud.getSecret("work-key")).value).toBe(value);
  await expect(cloud.getSecret("other")).rejects.toMatchObject({
    ...forbidden,
    details: { error: { innerError: { code: "ForbiddenByRbac" } } },
  });
  await expect(cloud.setSecret("work-key", "mine")).rejects.toMatchObject(forbidden);
  await expect(
    cloud.updateSecretProperties("work-key", "", { enabled: false }),
  ).rejects.toMatchObject(forbidden);
  await expect(cloud.beginDeleteSecret("work-key")).rejects.toMatchObject(forbidden);
  await expect(cloud.listPropertiesOfSecrets().next()).rejects.toMatchObject(forbidden);
  expect((await cloud.listPropertiesOfSecretVersions("work-key").next()).value).toMatchObject({
    name: "work-key",
  });

  const lister = world.client("lister");
  await expect(lister.getSecret("work-key")).rejects.toMatchObject(forbidden);
  expect((await lister.listPropertiesOfSecretVersions("work-key").next()).done).toBe(false);

  const nobody = world.client("nobody");
  await expect(nobody.listPropertiesOfSecretVersions("work-key").next()).rejects.toMatchObject(
    forbidden,
  );
});

test("a refusal says who wanted to do what to which secret", async () => {
  const token = await world.token("cloud");
  const reply = await world.fetch("/secrets/other?api-version=7.6", { token });
  const { error } = (await reply.json()) as { error: { message: string } };
  expect(error.message).toContain("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'");
  expect(error.message).toMatch(/vaults\/local\/secrets\/other'/);
});

test("the application of a person's token gives the person no right", async () => {
  const token = await world.entra.issueToken({
    clientId: "operator",
    audience: "https://vault.azure.net",
    claims: { idtyp: "user", oid: "11111111-1111-4111-8111-111111111111" },
  });
  const reply = await world.fetch("/secrets/work-key?api-version=7.6", { token });
  expect(reply.status).toBe(403);
});

test.each([
  ["no api-version", "/secrets/work-key", 400],
  ["an api-version of another service", "/secrets/work-key?api-version=2015-06-01", 400],
  ["a name that none can have", "/secrets/work_key?api-version=7.6", 400],
  ["a name with an encoded slash", "/secrets/a%2Fb?api-version=7.6", 400],
  ["keys, which it has not", "/keys/k?api-version=7.6", 405],
  ["a page of 26", "/secrets/work-key/versions?api-version=7.6&maxresults=26", 400],
  ["a page of nothing", "/secrets/work-key/versions?api-version=7.6&maxresults=0", 400],
])("%s is refused", async (_, target, status) => {
  const reply = await world.fetch(target, { token: await world.token() });
  expect(reply.status).toBe(status);
});

test.each([
  ["no JSON", "{"],
  ["no value", "{}"],
  ["a value that is too long", JSON.stringify({ value: "x".repeat(25_601) })],
  ["a date before 1970", JSON.stringify({ value: "canary-body", attributes: { exp: -1 } })],
])("a body with %s is refused without quoting it", async (_, body) => {
  const reply = await world.fetch("/secrets/refused?api-version=7.6", {
    method: "PUT",
    token: await world.token(),
    headers: { "content-type": "application/json" },
    body,
  });
  expect(reply.status).toBe(400);
  expect(await reply.text()).not.toContain("canary-body");
});

test("a body of more than 128 KB is refused", async () => {
  const reply = await world.fetch("/secrets/refused?api-version=7.6", {
    method: "PUT",
    token: await world.token(),
    body: "x".repeat(200 * 1024),
  });
  expect(reply.status).toBe(413);
});

test("a throttled request gets 429 with a delay, which the client waits for", async () => {
  world.vault.faults.add({
    kind: "throttle",
    operation: "secrets.get",
    resource: "work-key",
    times: 2,
    retryAfterMs: 1_000,
  });
  const reply = await world.fetch("/secrets/work-key?api-version=7.6", {
    token: await world.token(),
  });
  expect([reply.status, reply.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await reply.json()).toMatchObject({ error: { code: "Throttled" } });
  expect((await world.client("cloud").getSecret("work-key")).value).toBe(value);
});

test("nothing is served while the issuer's keys cannot be read", async () => {
  const lonely = await EmulatedVault.start();
  const token = await lonely.token();
  await lonely.entra.close();
  const reply = await lonely.fetch("/secrets/work-key?api-version=7.6", { token });
  expect(reply.status).toBe(503);
  await lonely.vault.close();
});
