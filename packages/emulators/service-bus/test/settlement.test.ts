import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { startBench, type Bench } from "./queues";

let bench: Bench;
beforeEach(async () => {
  bench = await startBench([
    { name: "work", maxDeliveryCount: 3, lockDurationMs: 1000 },
    { name: "calm", lockDurationMs: 30_000 },
  ]);
});
afterEach(() => bench.close());

async function one(
  receiver: ServiceBusReceiver,
  maxWaitTimeInMs = 3000,
): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs });
  if (message === undefined) throw new Error("no message came");
  return message;
}

test("an abandoned message is redelivered with a higher delivery count and the given properties", async () => {
  await bench.client
    .createSender("calm")
    .sendMessages({ body: 1, applicationProperties: { kept: "yes", changed: "old" } });
  const receiver = bench.client.createReceiver("calm");
  await receiver.abandonMessage(await one(receiver), { changed: "new", added: 3 });
  const again = await one(receiver);
  expect(again.deliveryCount).toBe(1);
  expect(again.applicationProperties).toEqual({ kept: "yes", changed: "new", added: 3 });
});

test("an abandoned message is redelivered before those after it", async () => {
  await bench.client.createSender("calm").sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = bench.client.createReceiver("calm");
  await receiver.abandonMessage(await one(receiver));
  expect((await one(receiver)).body).toBe(1);
});

test("a deferred message is received only by its number, and settled", async () => {
  await bench.client.createSender("calm").sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = bench.client.createReceiver("calm");
  const first = await one(receiver);
  const number = first.sequenceNumber;
  if (number === undefined) throw new Error("no sequence number");
  await receiver.deferMessage(first, { why: "later" });
  expect((await one(receiver)).body).toBe(2);
  expect(bench.emulator.stats()["deferred:calm"]).toBe(1);
  const [deferred] = await receiver.receiveDeferredMessages(number);
  expect(deferred).toMatchObject({ body: 1, applicationProperties: { why: "later" } });
  if (deferred === undefined) return;
  await receiver.abandonMessage(deferred);
  const [again] = await receiver.receiveDeferredMessages(number);
  expect(again?.deliveryCount).toBe(1);
  if (again !== undefined) await receiver.completeMessage(again);
  await expect(receiver.receiveDeferredMessages(number)).rejects.toMatchObject({
    code: "MessageNotFound",
  });
});

test("a dead-lettered message carries reason, description, properties and its source", async () => {
  await bench.client.createSender("calm").sendMessages({ body: 1, messageId: "bad" });
  const receiver = bench.client.createReceiver("calm");
  await receiver.deadLetterMessage(await one(receiver), {
    deadLetterReason: "malformed",
    deadLetterErrorDescription: "no name",
    attempt: 2,
  });
  expect(bench.emulator.stats()).toMatchObject({ "active:calm": 0, "deadLettered:calm": 1 });
  const deadLetters = bench.client.createReceiver("calm", { subQueueType: "deadLetter" });
  const dead = await one(deadLetters);
  expect(dead).toMatchObject({
    messageId: "bad",
    deadLetterReason: "malformed",
    deadLetterErrorDescription: "no name",
    deadLetterSource: "calm",
    applicationProperties: { attempt: 2 },
  });
  await deadLetters.completeMessage(dead);
  expect(bench.emulator.stats()["deadLettered:calm"]).toBe(0);
});

test("an expired lock returns the message and counts the delivery, and a late complete is refused", async () => {
  await bench.client.createSender("work").sendMessages({ body: 1 });
  const receiver = bench.client.createReceiver("work", { maxAutoLockRenewalDurationInMs: 0 });
  const late = await one(receiver);
  await sleep(1400);
  expect(bench.emulator.stats()["locked:work"]).toBe(0);
  await expect(receiver.completeMessage(late)).rejects.toMatchObject({ code: "MessageLockLost" });
  expect((await one(receiver)).deliveryCount).toBe(1);
});

test("a renewed lock stays valid", async () => {
  await bench.client.createSender("work").sendMessages({ body: 1 });
  const receiver = bench.client.createReceiver("work", { maxAutoLockRenewalDurationInMs: 0 });
  const message = await one(receiver);
  for (let renewal = 0; renewal < 4; renewal += 1) {
    await sleep(400);
    const until = await receiver.renewMessageLock(message);
    expect(until.getTime()).toBeGreaterThan(Date.now() + 500);
  }
  await receiver.completeMessage(message);
  await expect(receiver.renewMessageLock(message)).rejects.toMatchObject({
    code: "MessageLockLost",
  });
});

test("the SDK's lock renewal keeps a slow handler's message", async () => {
  await bench.client.createSender("work").sendMessages({ body: 1 });
  const receiver = bench.client.createReceiver("work");
  const message = await one(receiver);
  await sleep(2500);
  await receiver.completeMessage(message);
  expect(bench.emulator.stats()).toMatchObject({ "active:work": 0, "deadLettered:work": 0 });
});

test("after the last delivery the message is dead-lettered", async () => {
  await bench.client.createSender("work").sendMessages({ body: 1 });
  const receiver = bench.client.createReceiver("work");
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const message = await one(receiver);
    expect(message.deliveryCount).toBe(attempt);
    await receiver.abandonMessage(message);
  }
  const dead = await one(bench.client.createReceiver("work", { subQueueType: "deadLetter" }));
  expect(dead).toMatchObject({ deadLetterReason: "MaxDeliveryCountExceeded", deliveryCount: 3 });
});

test("a message can be settled after its receiver was closed", async () => {
  await bench.client.createSender("calm").sendMessages({ body: 1 });
  const receiver = bench.client.createReceiver("calm");
  const message = await one(receiver);
  await receiver.close();
  expect(bench.emulator.stats()["locked:calm"]).toBe(1);
  const other = bench.client.createReceiver("calm");
  await other.completeMessage(message);
  expect(bench.emulator.stats()["active:calm"]).toBe(0);
});

test("nothing can be sent to a dead-letter queue", async () => {
  await expect(
    bench.client.createSender("work/$deadletterqueue").sendMessages({ body: 1 }),
  ).rejects.toMatchObject({
    message: expect.stringContaining("dead-letter queue"),
  });
});

test("messages that are settled differently at the same time are each settled as requested", async () => {
  await bench.client
    .createSender("calm")
    .sendMessages(["done", "bad-1", "bad-2"].map((messageId) => ({ messageId, body: messageId })));
  const receiver = bench.client.createReceiver("calm");
  const messages: ServiceBusReceivedMessage[] = [];
  while (messages.length < 3) messages.push(await one(receiver));
  await Promise.all(
    messages.map((message) =>
      message.messageId === "done"
        ? receiver.completeMessage(message)
        : receiver.deadLetterMessage(message, {
            deadLetterReason: `reason of ${String(message.messageId)}`,
            deadLetterErrorDescription: "settled beside others",
          }),
    ),
  );
  const letters = await bench.client
    .createReceiver("calm", { subQueueType: "deadLetter" })
    .peekMessages(10);
  expect(letters.map(({ messageId, deadLetterReason }) => [messageId, deadLetterReason])).toEqual([
    ["bad-1", "reason of bad-1"],
    ["bad-2", "reason of bad-2"],
  ]);
});
