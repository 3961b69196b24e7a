import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { startBench, type Bench } from "./queues";

let bench: Bench;
beforeEach(async () => {
  bench = await startBench([{ name: "work" }]);
});
afterEach(() => bench.close());

test("a message arrives unchanged", async () => {
  const sender = bench.client.createSender("work");
  await sender.sendMessages({
    body: { hello: "wörld" },
    messageId: "m-1",
    correlationId: "c-1",
    subject: "greeting",
    contentType: "application/json",
    replyTo: "elsewhere",
    timeToLive: 60_000,
    applicationProperties: { count: 7, ratio: 0.5, name: "ä", flag: true },
  });
  const receiver = bench.client.createReceiver("work");
  const [message] = await receiver.receiveMessages(1);
  expect(message).toMatchObject({
    body: { hello: "wörld" },
    messageId: "m-1",
    correlationId: "c-1",
    subject: "greeting",
    contentType: "application/json",
    replyTo: "elsewhere",
    timeToLive: 60_000,
    applicationProperties: { count: 7, ratio: 0.5, name: "ä", flag: true },
    deliveryCount: 0,
    state: "active",
  });
  expect(message?.sequenceNumber?.toNumber()).toBe(1);
  expect(message?.enqueuedTimeUtc?.getTime()).toBeCloseTo(Date.now(), -4);
  expect(message?.lockedUntilUtc?.getTime()).toBeGreaterThan(Date.now() + 50_000);
  if (message !== undefined) await receiver.completeMessage(message);
  expect(bench.emulator.stats()).toMatchObject({
    "active:work": 0,
    messagesSent: 1,
    messagesReceived: 1,
    settlements: 1,
  });
});

test("a message without an id gets one", async () => {
  await bench.client.createSender("work").sendMessages({ body: "x" });
  const [message] = await bench.client.createReceiver("work").receiveMessages(1);
  expect(message?.messageId).toMatch(/^[0-9a-f]{32}$/);
});

test("a list of messages is one batch and keeps its order", async () => {
  const bodies = Array.from({ length: 500 }, (_, index) => index);
  await bench.client.createSender("work").sendMessages(bodies.map((body) => ({ body })));
  const receiver = bench.client.createReceiver("work");
  const received = [];
  while (received.length < 500) {
    const messages = await receiver.receiveMessages(500 - received.length);
    await Promise.all(messages.map((message) => receiver.completeMessage(message)));
    received.push(...messages.map((message) => message.body as number));
  }
  expect(received).toEqual(bodies);
  expect(bench.emulator.stats()).toMatchObject({ "active:work": 0, operations: 1000 });
});

test("createMessageBatch reads its limit of 1 MB from the emulator", async () => {
  const sender = bench.client.createSender("work");
  const batch = await sender.createMessageBatch();
  expect(batch.maxSizeInBytes).toBe(1024 * 1024);
  while (batch.tryAddMessage({ body: "x".repeat(10_000) }));
  await sender.sendMessages(batch);
  expect(bench.emulator.stats()["active:work"]).toBe(batch.count);
});

test("a message over 256 KB is refused, alone or in a batch, and none of the batch is stored", async () => {
  const sender = bench.client.createSender("work");
  const large = { body: "x".repeat(257 * 1024) };
  await expect(sender.sendMessages(large)).rejects.toMatchObject({ code: "MessageSizeExceeded" });
  await expect(sender.sendMessages([{ body: "small" }, large])).rejects.toMatchObject({
    code: "MessageSizeExceeded",
  });
  expect(bench.emulator.stats()["active:work"]).toBe(0);
});

test("subscribe delivers messages as they arrive and completes them", async () => {
  const sender = bench.client.createSender("work");
  const seen = new Set<unknown>();
  const receiver = bench.client.createReceiver("work");
  const allSeen = new Promise<void>((resolve, reject) => {
    receiver.subscribe(
      {
        processMessage: async ({ body }) => {
          seen.add(body);
          if (seen.size === 100) resolve();
        },
        processError: async ({ error }) => reject(error),
      },
      { maxConcurrentCalls: 20 },
    );
  });
  for (let body = 0; body < 100; body += 1) await sender.sendMessages({ body });
  await allSeen;
  await receiver.close();
  expect(bench.emulator.stats()["active:work"]).toBe(0);
});

test("one receiver settles far more messages than its window of 2048", async () => {
  await bench.client
    .createSender("work")
    .sendMessages(Array.from({ length: 5000 }, (_, body) => ({ body })));
  let seen = 0;
  const receiver = bench.client.createReceiver("work");
  await new Promise<void>((resolve, reject) => {
    receiver.subscribe(
      {
        processMessage: async () => {
          seen += 1;
          if (seen === 5000) resolve();
        },
        processError: async ({ error }) => reject(error),
      },
      { maxConcurrentCalls: 50 },
    );
  });
  await receiver.close();
  expect(bench.emulator.stats()["active:work"]).toBe(0);
});

test("receive and delete removes messages immediately", async () => {
  await bench.client.createSender("work").sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = bench.client.createReceiver("work", { receiveMode: "receiveAndDelete" });
  const messages = await receiver.receiveMessages(2);
  expect(messages.map(({ body }) => body as number)).toEqual([1, 2]);
  expect(bench.emulator.stats()).toMatchObject({ "active:work": 0, "locked:work": 0 });
});

test("receiveMessages on an empty queue returns nothing after its wait, and its credit is withdrawn", async () => {
  const receiver = bench.client.createReceiver("work");
  expect(await receiver.receiveMessages(5, { maxWaitTimeInMs: 50 })).toEqual([]);
  await bench.client.createSender("work").sendMessages({ body: "late" });
  expect(bench.emulator.stats()["locked:work"]).toBe(0);
  expect(await receiver.receiveMessages(1)).toHaveLength(1);
});

test("two receivers share the messages, and neither gets the other's", async () => {
  const first = bench.client.createReceiver("work");
  const second = bench.newClient().createReceiver("work");
  await bench.client
    .createSender("work")
    .sendMessages(Array.from({ length: 40 }, (_, body) => ({ body })));
  const [a, b] = await Promise.all([first.receiveMessages(20), second.receiveMessages(20)]);
  const bodies = [...a, ...b].map(({ body }) => body as number);
  expect(new Set(bodies).size).toBe(40);
});

test("hundreds of links work on one connection", async () => {
  const receivers = Array.from({ length: 300 }, () => bench.client.createReceiver("work"));
  let seen = 0;
  const done = new Promise<void>((resolve) => {
    for (const receiver of receivers) {
      receiver.subscribe({
        processMessage: async () => {
          seen += 1;
          if (seen === 600) resolve();
        },
        processError: async () => {},
      });
    }
  });
  await bench.client
    .createSender("work")
    .sendMessages(Array.from({ length: 600 }, (_, body) => ({ body })));
  await done;
  expect(bench.emulator.stats()["connections"]).toBe(1);
});

test("a missing queue is reported as such", async () => {
  await expect(
    bench.client.createSender("nowhere").sendMessages({ body: 1 }),
  ).rejects.toMatchObject({
    code: "MessagingEntityNotFound",
  });
  await expect(bench.client.createReceiver("nowhere").receiveMessages(1)).rejects.toMatchObject({
    code: "MessagingEntityNotFound",
  });
});
