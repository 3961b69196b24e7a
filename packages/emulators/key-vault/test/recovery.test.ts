import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { localCertificates } from "@postern/emulator-kit";
import { startKeyVaultEmulator } from "../src/index";
import { EmulatedVault, temporaryDirectory } from "./emulated-vault";

const CLI = path.join(__dirname, "..", "dist", "cli.js");
const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);
let world: EmulatedVault;

beforeAll(async () => {
  world = await EmulatedVault.start();
});
afterAll(() => world.close());

test("secrets survive a restart, in files for their owner only", async () => {
  const data = temporaryDirectory();
  chmodSync(data, 0o755);
  await world.restart({ dataDirectory: data });
  const made = await world.client().setSecret("work-key", "one");
  expect([mode(data), mode(path.join(data, "secrets.json"))]).toEqual(["700", "600"]);
  chmodSync(path.join(data, "secrets.json"), 0o644);
  await world.restart({ dataDirectory: data });
  expect(mode(path.join(data, "secrets.json"))).toBe("600");
  expect(await world.client().getSecret("work-key")).toMatchObject({
    value: "one",
    properties: { version: made.properties.version },
  });
});

test("the topology makes a secret once, and a random one is never the same", async () => {
  const data = temporaryDirectory();
  const rights = [{ principal: "operator", secret: "*", verbs: ["get"] }] as const;
  const topology = {
    rights: rights.map((right) => ({ ...right, verbs: [...right.verbs] })),
    secrets: [
      { name: "work-key", randomBytes: 32 },
      { name: "fixed", value: "known" },
    ],
  };
  await world.restart({ dataDirectory: data, topology });
  const first = await world.client().getSecret("work-key");
  expect(Buffer.from(first.value ?? "", "base64")).toHaveLength(32);
  expect((await world.client().getSecret("fixed")).value).toBe("known");
  await world.restart({ dataDirectory: data, topology });
  expect((await world.client().getSecret("work-key")).value).toBe(first.value);
  await world.restart({ topology });
  expect((await world.client().getSecret("work-key")).value).not.toBe(first.value);
});

test.each([
  ["an unknown verb", { rights: [{ principal: "a", secret: "*", verbs: ["read"] }] }, "verbs"],
  ["a secret without a value", { secrets: [{ name: "a" }] }, "set either value or randomBytes"],
  ["a name that none can have", { secrets: [{ name: "a_b", value: "x" }] }, "letters, digits"],
])("a topology with %s is refused", async (_, topology, text) => {
  const options = { certificates: world.certificates, issuer: world.entra.issuer };
  await expect(startKeyVaultEmulator({ ...options, topology: topology as never })).rejects.toThrow(
    text,
  );
});

test("a data file that is cut off is refused without showing what it holds", async () => {
  const data = temporaryDirectory();
  writeFileSync(path.join(data, "secrets.json"), '[{"name":"a","value":"canary');
  const options = { certificates: world.certificates, issuer: world.entra.issuer };
  const start = startKeyVaultEmulator({ ...options, dataDirectory: data });
  await expect(start).rejects.toMatchObject({ code: "data-unusable" });
  await expect(start).rejects.not.toThrow("canary");
});

test("the command line says where it is, and shows no secret", async () => {
  const directory = temporaryDirectory();
  await localCertificates(path.join(directory, "certificates"));
  mkdirSync(path.join(directory, "data"));
  const topology = path.join(directory, "topology.json");
  const secrets = [{ name: "work-key", value: "canary-value" }];
  writeFileSync(topology, JSON.stringify({ rights: [], secrets }));
  const child = spawn(
    process.execPath,
    [
      ...[CLI, "--issuer", world.entra.issuer, "--data", path.join(directory, "data")],
      ...["--certificates", path.join(directory, "certificates")],
      ...["--topology", topology, "--exit-with-stdin"],
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  let written = "";
  child.stderr.on("data", (chunk: Buffer) => (written += chunk.toString()));
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as string[];
  const ready = JSON.parse(line ?? "") as { endpoints: { keyVault: string } };
  expect(ready.endpoints.keyVault).toMatch(/^https:\/\/localhost:\d+$/);
  child.stdin.end();
  await once(child, "exit");
  expect(`${line}${written}`).not.toContain("canary-value");
  expect(written).toContain("for development and tests only");
  expect(readFileSync(path.join(directory, "data", "secrets.json"), "utf8")).toContain("canary");
});
