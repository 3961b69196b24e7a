import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ServiceBusClient } from "@azure/service-bus";
import { startServiceBusEmulator, type ServiceBusEmulator } from "@postern/service-bus-emulator";
import { eventually, fixtureApp } from "./fixture-app";

const names = ["one", "bytes", "many", "forward", "forwarded"];
const queues = [
  ...names.map((name) => ({ name })),
  ...["sessions", "session-batches"].map((name) => ({ name, requiresSession: true })),
];
const fixture = fixtureApp("service-bus-app");
const sockets = new Set<Socket>();
/** The broker's ends of what is swallowed: it, unlike the host, hears at the end that they are gone. */
const lost = new Set<Socket>();
/** Connections made while it is on neither break nor carry anything, also afterwards. */
const hole = { on: false };
let bus: ServiceBusEmulator;

const proxy = createServer((near) => {
  const far = connect(bus.port, "127.0.0.1");
  for (const socket of [near, far]) {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  }
  let swallowed = hole.on;
  const carry = (to: Socket) => (chunk: Buffer) => {
    swallowed ||= hole.on;
    if (swallowed) lost.add(far);
    else to.write(chunk);
  };
  near.on("data", carry(far));
  far.on("data", carry(near));
});

beforeAll(async () => {
  bus = await startServiceBusEmulator({ topology: { queues } });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
  await fixture.remove();
  for (const socket of sockets) socket.destroy();
  proxy.close();
  await bus.close();
});

/**
 * The host as a separate process: once its connections are dead, the SDK rejects promises that have no handler, which
 * the command line tolerates and a test runner does not.
 */
async function startHost(settings: Readonly<Record<string, string>>) {
  const settingsFile = path.join(fixture.directory, "settings.json");
  writeFileSync(settingsFile, JSON.stringify(settings));
  const cli = path.join(__dirname, "../dist/cli.js");
  const args = ["--app", fixture.directory, "--settings", settingsFile, "--watchdog-ms", "200"];
  const { NODE_OPTIONS: _ours, ...env } = process.env;
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { control } = JSON.parse(line) as { control: string };
  return {
    log: () => log,
    stats: async () => (await (await fetch(`${control}/stats`)).json()) as Record<string, number>,
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

test("silently dead connections are replaced, with and without sessions", async () => {
  const { port } = proxy.address() as AddressInfo;
  const connectionString = bus.connectionString.replace(`:${bus.port}`, `:${port}`);
  const host = await startHost({ Bus: connectionString, QUEUE_ONE: "one" });
  const client = new ServiceBusClient(bus.connectionString);
  const send = async (n: number): Promise<void> => {
    await client.createSender("one").sendMessages({ body: n });
    await client.createSender("sessions").sendMessages({ body: { n }, sessionId: "s" });
  };
  const invoked = (times: number) =>
    eventually(`${times} invocations of both`, async () => {
      const { "invocations:one": one = 0, "invocations:sessions": sessions = 0 } =
        await host.stats();
      return one >= times && sessions >= times ? true : undefined;
    });
  await send(1);
  await invoked(1);
  hole.on = true;
  await eventually("a replacement", () => (host.log().includes("reconnecting") ? true : undefined));
  hole.on = false;
  for (const socket of lost) socket.destroy();
  await send(2);
  await invoked(2);
  expect(await host.stats()).toMatchObject({ failures: 0 });
  await client.close();
  await host.stop();
});
