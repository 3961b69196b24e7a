import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { startBench, type Bench } from "./queues";

let bench: Bench;
beforeEach(async () => {
  bench = await startBench([
    { name: "work" },
    { name: "lanes", requiresSession: true },
    { name: "unique", duplicateDetectionWindowMs: 2000 },
    { name: "short", defaultTtlMs: 300, deadLetterOnExpiry: true },
    { name: "dropping" },
  ]);
});
afterEach(() => bench.close());

const later = (ms: number): Date => new Date(Date.now() + ms);

test("a scheduled message appears when it is due, under a new number", async () => {
  const sender = bench.client.createSender("work");
  const [number] = await sender.scheduleMessages({ body: 1, messageId: "m" }, later(1500));
  expect(bench.emulator.stats()).toMatchObject({ "scheduled:work": 1, "active:work": 0 });
  const receiver = bench.client.createReceiver("work");
  expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 100 })).toEqual([]);
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
  expect(message).toMatchObject({ body: 1, messageId: "m" });
  expect(message?.sequenceNumber?.equals(number ?? 0)).toBe(false);
  expect(message?.scheduledEnqueueTimeUtc).toBeInstanceOf(Date);
});

test("a message sent with scheduledEnqueueTimeUtc is scheduled too", async () => {
  await bench.client
    .createSender("work")
    .sendMessages({ body: 1, scheduledEnqueueTimeUtc: later(1500) });
  expect(bench.emulator.stats()["scheduled:work"]).toBe(1);
  const [message] = await bench.client
    .createReceiver("work")
    .receiveMessages(1, { maxWaitTimeInMs: 5000 });
  expect(message?.body).toBe(1);
});

test("a cancelled message never appears, and cannot be cancelled again", async () => {
  const sender = bench.client.createSender("work");
  const numbers = await sender.scheduleMessages([{ body: 1 }, { body: 2 }], later(1500));
  const [first] = numbers;
  if (first === undefined) throw new Error("no number");
  await sender.cancelScheduledMessages(first);
  await expect(sender.cancelScheduledMessages(first)).rejects.toMatchObject({
    code: "MessageNotFound",
  });
  const messages = await bench.client
    .createReceiver("work")
    .receiveMessages(5, { maxWaitTimeInMs: 3000 });
  expect(messages.map(({ body }) => body as number)).toEqual([2]);
});

test("a scheduled message wakes a receiver that waits for any session", async () => {
  await bench.client
    .createSender("lanes")
    .scheduleMessages({ body: 1, sessionId: "a" }, later(1500));
  const receiver = await bench.client.acceptNextSession("lanes");
  expect(receiver.sessionId).toBe("a");
});

test("peeked scheduled messages show their state", async () => {
  await bench.client.createSender("work").scheduleMessages({ body: 1 }, later(60_000));
  const [peeked] = await bench.client.createReceiver("work").peekMessages(1);
  expect(peeked?.state).toBe("scheduled");
});

test("a message id is accepted once within the window, for sent and scheduled messages alike", async () => {
  const sender = bench.client.createSender("unique");
  await sender.sendMessages({ body: 1, messageId: "a" });
  await sender.sendMessages([
    { body: 2, messageId: "a" },
    { body: 3, messageId: "b" },
    { body: 4, messageId: "b" },
  ]);
  await sender.scheduleMessages({ body: 5, messageId: "a" }, later(10));
  await sender.scheduleMessages({ body: 6, messageId: "c" }, later(10));
  await sender.sendMessages({ body: 7, messageId: "c" });
  await sleep(100);
  const messages = await bench.client
    .createReceiver("unique")
    .receiveMessages(10, { maxWaitTimeInMs: 500 });
  expect(messages.map(({ body }) => body as number)).toEqual([1, 3, 6]);
});

test("a message id is accepted again after the window, even if the first message was completed", async () => {
  const sender = bench.client.createSender("unique");
  const receiver = bench.client.createReceiver("unique", { receiveMode: "receiveAndDelete" });
  await sender.sendMessages({ body: 1, messageId: "a" });
  expect(await receiver.receiveMessages(1)).toHaveLength(1);
  await sender.sendMessages({ body: 2, messageId: "a" });
  expect(bench.emulator.stats()["active:unique"]).toBe(0);
  await sleep(2200);
  await sender.sendMessages({ body: 3, messageId: "a" });
  expect(bench.emulator.stats()["active:unique"]).toBe(1);
});

test("an expired message is dead-lettered if the queue is configured so", async () => {
  await bench.client.createSender("short").sendMessages({ body: 1, timeToLive: 60_000 });
  await sleep(500);
  expect(bench.emulator.stats()).toMatchObject({ "active:short": 0, "deadLettered:short": 1 });
  const [dead] = await bench.client
    .createReceiver("short", { subQueueType: "deadLetter" })
    .receiveMessages(1);
  expect(dead).toMatchObject({
    body: 1,
    deadLetterReason: "TTLExpiredException",
    deadLetterSource: "short",
  });
});

test("an expired message is removed otherwise", async () => {
  await bench.client
    .createSender("dropping")
    .sendMessages([{ body: 1, timeToLive: 100 }, { body: 2 }]);
  await sleep(300);
  const messages = await bench.client
    .createReceiver("dropping")
    .receiveMessages(2, { maxWaitTimeInMs: 500 });
  expect(messages.map(({ body }) => body as number)).toEqual([2]);
  expect(bench.emulator.stats()).toMatchObject({ "deadLettered:dropping": 0 });
});

test("a message that expires while it is locked can still be completed", async () => {
  await bench.client.createSender("work").sendMessages({ body: 1, timeToLive: 1500 });
  const receiver = bench.client.createReceiver("work");
  const [message] = await receiver.receiveMessages(1);
  await sleep(1700);
  if (message !== undefined) await receiver.completeMessage(message);
  expect(bench.emulator.stats()).toMatchObject({ "active:work": 0, settlements: 1 });
});

test("peek walks through a queue without locking", async () => {
  await bench.client
    .createSender("work")
    .sendMessages(Array.from({ length: 30 }, (_, body) => ({ body })));
  const receiver = bench.client.createReceiver("work");
  const bodies: unknown[] = [];
  for (
    let page = await receiver.peekMessages(8);
    page.length > 0;
    page = await receiver.peekMessages(8)
  ) {
    bodies.push(...page.map(({ body }) => body as unknown));
  }
  expect(bodies).toEqual(Array.from({ length: 30 }, (_, index) => index));
  expect(bench.emulator.stats()).toMatchObject({ "locked:work": 0, "active:work": 30 });
});
