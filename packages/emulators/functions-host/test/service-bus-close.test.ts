import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "@jest/globals";
import { ServiceBusClient } from "@azure/service-bus";
import { buildSync } from "esbuild";
import { eventually, fixtureApp, openHandles } from "./fixture-app";

const names = ["one", "bytes", "many", "forward", "forwarded"];
const queues = [
  ...names.map((name) => ({ name })),
  ...["sessions", "session-batches"].map((name) => ({ name, requiresSession: true })),
];
const fixture = fixtureApp("service-bus-app");
let child: ChildProcess | undefined;

afterEach(async () => {
  await fixture.remove();
  child?.kill();
});

/** The broker in a separate process: the handles counted here are then the host's alone. */
async function startBroker(): Promise<string> {
  const outfile = path.join(path.dirname(fixture.directory), "broker.js");
  const topology = path.join(path.dirname(fixture.directory), "topology.json");
  writeFileSync(topology, JSON.stringify({ queues }));
  buildSync({
    entryPoints: [
      path.join(path.dirname(require.resolve("@postern/service-bus-emulator")), "cli.ts"),
    ],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
  child = spawn(process.execPath, [outfile, "--topology", topology], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (child.stdout === null) throw new Error("no standard output");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return (JSON.parse(line) as { endpoints: { connectionString: string } }).endpoints
    .connectionString;
}

test("close finishes the messages in hand and leaves nothing open", async () => {
  const connectionString = await startBroker();
  const before = openHandles();
  const host = await fixture.start({ settings: { Bus: connectionString, QUEUE_ONE: "one" } });
  const client = new ServiceBusClient(connectionString);
  await client.createSender("one").sendMessages({ body: { holdMs: 100 } });
  await client.createSender("sessions").sendMessages({ body: { holdMs: 100 }, sessionId: "s" });
  for (const name of ["one", "sessions"]) {
    await eventually(`an invocation of ${name}`, () => host.stats()[`invocations:${name}`]);
  }
  await host.close();
  for (const queue of ["one", "sessions"]) {
    expect(await client.createReceiver(queue).peekMessages(10)).toEqual([]);
  }
  await client.close();
  await eventually("no open handles", () =>
    openHandles().join() === before.join() ? true : undefined,
  );
});
