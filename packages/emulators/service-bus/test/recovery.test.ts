import { ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { rmSync } from "node:fs";
import { newDirectory, startProcess, type EmulatorProcess } from "./emulator-process";
import { RETRIES, type Queues } from "./queues";

const QUEUES: Queues = [
  { name: "work", maxDeliveryCount: 5 },
  { name: "lanes", requiresSession: true },
  { name: "unique", duplicateDetectionWindowMs: 600_000 },
];

let directory: string;
let broker: EmulatorProcess;
let client: ServiceBusClient;

const newClient = (): ServiceBusClient =>
  new ServiceBusClient(broker.connectionString, { retryOptions: RETRIES });

beforeEach(async () => {
  directory = newDirectory();
  broker = await startProcess(directory, QUEUES);
  client = newClient();
});
afterEach(async () => {
  await client.close();
  await broker.kill("SIGTERM");
  rmSync(directory, { recursive: true });
});

async function killAndRestart(): Promise<void> {
  await broker.kill("SIGKILL");
  await client.close();
  broker = await startProcess(directory, QUEUES, broker.port);
  client = newClient();
}

test("kill -9 loses nothing that was acknowledged", async () => {
  const sender = client.createSender("work");
  await sender.sendMessages(
    Array.from({ length: 10 }, (_, index) => ({
      body: index,
      messageId: `m-${index}`,
      subject: "s",
    })),
  );
  const [scheduled] = await sender.scheduleMessages(
    { body: "soon" },
    new Date(Date.now() + 3_600_000),
  );
  const receiver = client.createReceiver("work");
  const [done, abandoned, deferred, dead, locked] = await receiver.receiveMessages(5);
  if (!done || !abandoned || !deferred?.sequenceNumber || !dead || !locked || !scheduled)
    throw new Error("too few");
  await receiver.completeMessage(done);
  await receiver.abandonMessage(abandoned, { note: "again" });
  await receiver.deferMessage(deferred);
  await receiver.deadLetterMessage(dead, {
    deadLetterReason: "bad",
    deadLetterErrorDescription: "really",
  });
  const sessionSender = client.createSender("lanes");
  await sessionSender.sendMessages([{ body: 1, sessionId: "a" }]);
  const session = await client.acceptSession("lanes", "a");
  await session.setSessionState({ step: 3 });
  await client.createSender("unique").sendMessages({ body: 1, messageId: "u" });

  await killAndRestart();

  expect(await broker.stats()).toMatchObject({
    "active:work": 7,
    "locked:work": 0,
    "scheduled:work": 1,
    "deferred:work": 1,
    "deadLettered:work": 1,
    "active:lanes": 1,
    "active:unique": 1,
  });
  const again = client.createReceiver("work");
  const messages = await again.receiveMessages(7);
  expect(
    messages.map(({ messageId, deliveryCount }) => `${String(messageId)}/${deliveryCount}`),
  ).toEqual(["m-1/1", "m-4/0", "m-5/0", "m-6/0", "m-7/0", "m-8/0", "m-9/0"]);
  expect(messages[0]).toMatchObject({ subject: "s", applicationProperties: { note: "again" } });
  expect(await again.receiveDeferredMessages(deferred.sequenceNumber)).toMatchObject([
    { messageId: "m-2" },
  ]);
  await client.createSender("work").cancelScheduledMessages(scheduled);
  const [deadAgain] = await client
    .createReceiver("work", { subQueueType: "deadLetter" })
    .receiveMessages(1);
  expect(deadAgain).toMatchObject({
    messageId: "m-3",
    deadLetterReason: "bad",
    deadLetterSource: "work",
  });
  expect(await (await client.acceptSession("lanes", "a")).getSessionState()).toEqual({ step: 3 });
  await client.createSender("unique").sendMessages({ body: 2, messageId: "u" });
  await client.createSender("work").sendMessages({ body: "new" });
  const after = await broker.stats();
  expect(after["active:unique"]).toBe(1);
  const [newest] = (await again.peekMessages(100)).slice(-1);
  expect(newest?.sequenceNumber?.toNumber()).toBeGreaterThan(
    messages[6]?.sequenceNumber?.toNumber() ?? Infinity,
  );
});

test("everything acknowledged before a kill -9 in the middle of sending survives", async () => {
  const sender = client.createSender("work");
  let acknowledged = 0;
  const sending = (async () => {
    for (;;) {
      await sender.sendMessages(Array.from({ length: 20 }, () => ({ body: "x".repeat(500) })));
      acknowledged += 20;
    }
  })().catch(() => {});
  while (acknowledged < 400) await new Promise((resolve) => setImmediate(resolve));
  await broker.kill("SIGKILL");
  await client.close();
  await sending;
  broker = await startProcess(directory, QUEUES, broker.port);
  client = newClient();
  const { "active:work": found } = await broker.stats();
  expect(found).toBeGreaterThanOrEqual(acknowledged);
  // At most the batches whose acknowledgement was on its way.
  expect(found).toBeLessThanOrEqual(acknowledged + 20);
});

test("subscribers and senders reconnect to a restarted broker", async () => {
  const seen = new Set<unknown>();
  let arrived = (): void => {};
  client.createReceiver("work").subscribe({
    processMessage: async ({ body }) => {
      seen.add(body);
      arrived();
    },
    processError: async () => {},
  });
  const sender = client.createSender("work");
  const first = new Promise<void>((resolve) => (arrived = resolve));
  await sender.sendMessages({ body: "before" });
  await first;
  await broker.kill("SIGTERM");
  broker = await startProcess(directory, QUEUES, broker.port);
  const second = new Promise<void>((resolve) => (arrived = resolve));
  await sender.sendMessages({ body: "after" });
  await second;
  expect([...seen]).toEqual(["before", "after"]);
});

test("the key is kept with the data", async () => {
  const before = broker.connectionString;
  await killAndRestart();
  expect(broker.connectionString).toBe(before);
});
