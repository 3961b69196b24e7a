import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ServiceBusClient } from "@azure/service-bus";
import { startServiceBusEmulator, type ServiceBusEmulator } from "@postern/service-bus-emulator";
import type { FunctionsHost } from "../src/index";
import { eventually, fixtureApp, type FixtureApp } from "./fixture-app";

const names = ["one", "bytes", "many", "forward", "forwarded"];
const topology = {
  queues: [
    ...names.map((name) => ({ name, lockDurationMs: 500, maxDeliveryCount: 100 })),
    ...["sessions", "session-batches"].map((name) => ({
      name,
      requiresSession: true,
      lockDurationMs: 500,
    })),
  ],
};

let fixture: FixtureApp;
let bus: ServiceBusEmulator;
let client: ServiceBusClient;

beforeEach(async () => {
  bus = await startServiceBusEmulator({ topology });
  client = new ServiceBusClient(bus.connectionString);
  fixture = fixtureApp("service-bus-app", {
    extensions: { serviceBus: { sessionIdleTimeout: "00:00:00.1" } },
  });
});
afterEach(async () => {
  await client.close();
  await fixture.remove();
  await bus.close();
});

const start = (options = {}): Promise<FunctionsHost> =>
  fixture.start({ settings: { Bus: bus.connectionString, QUEUE_ONE: "one" }, ...options });

async function send(queue: string, body: unknown, sessionId?: string): Promise<void> {
  const own = new ServiceBusClient(bus.connectionString);
  await own
    .createSender(queue)
    .sendMessages({ body, ...(sessionId === undefined ? {} : { sessionId }) });
  await own.close();
}

function invoked(host: FunctionsHost, name: string, times: number): Promise<true> {
  return eventually(`${times} invocations of ${name}`, () =>
    (host.stats()[`invocations:${name}`] ?? 0) >= times ? true : undefined,
  );
}

test.each(["one", "many", "sessions", "session-batches"])(
  "%s receives again soon after an outage of the broker",
  async (queue) => {
    const host = await start();
    const session = queue.startsWith("session") ? "s" : undefined;
    await send(queue, 1, session);
    await invoked(host, queue, 1);
    const { port } = bus;
    const key = /SharedAccessKey=([^;]+)/.exec(bus.connectionString)?.[1] ?? "";
    await bus.close();
    bus = await startServiceBusEmulator({ topology, port, sharedAccessKey: key });
    await send(queue, 2, session);
    // Within the bound of `invoked`; with the SDK's own retry delay it would be 30 s.
    await invoked(host, queue, 2);
  },
);

test("a cut drops the connection with the message unsettled, and the message is redelivered", async () => {
  const host = await start();
  host.faults.add({ kind: "cut", operation: "serviceBus", resource: "one", times: 1 });
  await send("one", { n: 1 });
  await invoked(host, "one", 1);
  expect(host.stats()).toMatchObject({ serviceBusReceived: 2, "invocations:one": 1 });
});

test("a lost reply runs the function twice: its success was not reported", async () => {
  const host = await start();
  host.faults.add({ kind: "lose-reply", operation: "serviceBus", resource: "sessions", times: 1 });
  await send("sessions", { n: 1 }, "s");
  await invoked(host, "sessions", 2);
  expect(host.stats()).toMatchObject({ failures: 0 });
});

test("a refusal abandons without running the function", async () => {
  const host = await start();
  host.faults.add({ kind: "refuse", operation: "serviceBus", resource: "many", times: 2 });
  await send("many", { n: 1 });
  await invoked(host, "many", 1);
  expect(host.stats()["serviceBusReceived"]).toBe(3);
});

test("the watchdog finds messages that an idle trigger was not sent", async () => {
  const host = await start({ watchdogMs: 100 });
  await send("sessions", { n: 1 }, "s");
  await invoked(host, "sessions", 1);
  // Another receiver holds the session: to this host it looks like a stall, and it must survive its own cure.
  const holder = await eventually("the session", () =>
    client.acceptSession("sessions", "s").catch(() => undefined),
  );
  await send("sessions", { n: 2 }, "s");
  await eventually("a replacement", () =>
    fixture.log.some(({ message }) => message.includes("reconnecting")) ? true : undefined,
  );
  await holder.close();
  await invoked(host, "sessions", 2);
});

test("a small batch waits for more until maxBatchWaitTime has passed", async () => {
  await fixture.remove();
  fixture = fixtureApp("service-bus-app", {
    extensions: {
      serviceBus: {
        minMessageBatchSize: 3,
        maxMessageBatchSize: 3,
        maxBatchWaitTime: "00:00:00.3",
      },
    },
  });
  const host = await start();
  const startedAt = performance.now();
  await send("many", 1);
  await invoked(host, "many", 1);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
  await Promise.all([2, 3, 4].map((n) => send("many", n)));
  await invoked(host, "many", 2);
  expect(host.stats()).toMatchObject({ serviceBusReceived: 4, "invocations:many": 2 });
});

test("without autoCompleteMessages a message stays locked and is redelivered when the lock expires", async () => {
  await fixture.remove();
  fixture = fixtureApp("service-bus-app", {
    extensions: {
      serviceBus: { autoCompleteMessages: false, maxAutoLockRenewalDuration: "00:00:00" },
    },
  });
  const host = await start();
  await send("one", 1);
  await invoked(host, "one", 2);
  expect(host.stats()).toMatchObject({ failures: 0 });
});

test("a binding whose connection has no setting fails the start and names both forms", async () => {
  await expect(fixture.start({ settings: { QUEUE_ONE: "one" } })).rejects.toThrow(
    /connection "Bus".*Bus__fullyQualifiedNamespace/,
  );
});

test.each(["one", "many"])(
  "%s: a message whose settlement failed with the connection is redelivered when its lock has expired",
  async (queue) => {
    const host = await start();
    await send(queue, 1);
    await invoked(host, queue, 1);
    bus.faults.add({ kind: "cut", operation: "settle", resource: queue, times: 1 });
    await send(queue, 2);
    // Within the bound of `invoked`: the lock is no longer renewed.
    await invoked(host, queue, 3);
    await eventually("the queue is empty", () =>
      bus.stats()[`active:${queue}`] === 0 ? true : undefined,
    );
  },
);
