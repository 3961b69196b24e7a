import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { newDirectory, runCli, startProcess, topologyFile } from "./emulator-process";
import { startServiceBusEmulator } from "../src";

let directory: string;
beforeEach(() => {
  directory = newDirectory();
});
afterEach(() => rmSync(directory, { recursive: true }));

async function failure(flags: readonly string[]): Promise<{ code: unknown; text: string }> {
  const child = runCli(flags);
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, "close")) as unknown[];
  return { code, text };
}

test("the program names its purpose and stops when its standard input ends", async () => {
  const child = runCli([
    "--topology",
    topologyFile(directory, [{ name: "work" }]),
    "--exit-with-stdin",
  ]);
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child.stdout ?? child, "data");
  child.stdin?.end();
  const [code] = (await once(child, "close")) as unknown[];
  expect(code).toBe(0);
  expect(text).toContain("for development and tests only");
});

test("--help describes the options, starts nothing and exits with 0", async () => {
  const child = runCli(["--topology", "/nowhere.json", "--help"]);
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, "close")) as unknown[];
  expect(code).toBe(0);
  expect(text).toMatch(/^Usage: postern-service-bus-emulator --topology FILE \[options\]/);
  expect(text).toContain("--shared-access-key KEY");
  expect(text).toContain("--exit-with-stdin");
});

test.each([
  [["--topology"], /--topology needs a value: FILE/],
  [[], /--topology FILE is required/],
  [["--port", "99999", "--topology", "x"], /port/],
  [["--topology", "/nowhere.json"], /\/nowhere\.json/],
  [["--unknown"], /unknown/],
])("bad options %j are refused with the reason", async (flags, reason) => {
  const { code, text } = await failure(flags);
  expect(code).toBe(1);
  expect(text).toMatch(reason);
});

test.each([
  [{ queues: [{ name: "a b" }] }, /queues\[0\]\.name/],
  [{ queues: [{ name: "a", lockDurationMs: 600_000 }] }, /queues\[0\]\.lockDurationMs/],
  [{ queues: [{ name: "a", requireSession: true }] }, /requireSession/],
  [{ queues: [{ name: "a" }, { name: "A" }] }, /queues\[1\]\.name/],
  [{ topics: [] }, /topics/],
  [{ queues: [{ name: "a", maxDeliveryCount: 0 }] }, /queues\[0\]\.maxDeliveryCount/],
])("the topology %j is refused, naming the field", async (topology, reason) => {
  const file = path.join(directory, "bad.json");
  writeFileSync(file, JSON.stringify(topology));
  const { code, text } = await failure(["--topology", file]);
  expect(code).toBe(1);
  expect(text).toMatch(reason);
});

test("a change of a fixed option is refused on existing data", async () => {
  const first = await startProcess(directory, [{ name: "work" }]);
  await first.kill("SIGTERM");
  await expect(
    startServiceBusEmulator({
      topology: { queues: [{ name: "work", requiresSession: true }] },
      dataDirectory: path.join(directory, "data"),
    }),
  ).rejects.toThrow("requiresSession of queue 'work' cannot be changed");
});

test("a port in use is reported, and the data directory is free again", async () => {
  const dataDirectory = path.join(directory, "data");
  const first = await startServiceBusEmulator({ topology: { queues: [] } });
  await expect(
    startServiceBusEmulator({ topology: { queues: [] }, port: first.port, dataDirectory }),
  ).rejects.toMatchObject({ code: "EADDRINUSE" });
  await first.close();
  const second = await startServiceBusEmulator({ topology: { queues: [] }, dataDirectory });
  await second.close();
});
