import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { startBench, type Bench } from "./queues";

let bench: Bench;
beforeEach(async () => {
  bench = await startBench([
    { name: "lanes", requiresSession: true, lockDurationMs: 30_000 },
    { name: "hasty", requiresSession: true, lockDurationMs: 1000, maxDeliveryCount: 2 },
    { name: "plain" },
  ]);
});
afterEach(() => bench.close());

const NO_RENEWAL = { maxAutoLockRenewalDurationInMs: 0 };

async function send(
  queue: string,
  ...messages: [sessionId: string, body: unknown][]
): Promise<void> {
  await bench.client
    .createSender(queue)
    .sendMessages(messages.map(([sessionId, body]) => ({ sessionId, body })));
}

async function one(receiver: ServiceBusSessionReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 3000 });
  if (message === undefined) throw new Error("no message came");
  return message;
}

test("a session receiver gets only its session's messages, in order", async () => {
  await send("lanes", ["a", 1], ["b", 2], ["a", 3], ["b", 4], ["a", 5]);
  const receiver = await bench.client.acceptSession("lanes", "a");
  const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs: 300 });
  expect(messages.map(({ body }) => body as number)).toEqual([1, 3, 5]);
  expect(messages[0]?.sessionId).toBe("a");
  expect(receiver.sessionLockedUntilUtc.getTime()).toBeGreaterThan(Date.now() + 20_000);
});

test("a held session is not given to another receiver", async () => {
  await send("lanes", ["a", 1]);
  await bench.client.acceptSession("lanes", "a");
  const other = bench.newClient();
  await expect(other.acceptSession("lanes", "a")).rejects.toMatchObject({
    code: "SessionCannotBeLocked",
  });
});

test("acceptNextSession gives each waiting receiver another session", async () => {
  await send("lanes", ["a", 1], ["b", 2]);
  const first = await bench.client.acceptNextSession("lanes");
  const second = await bench.client.acceptNextSession("lanes");
  expect([first.sessionId, second.sessionId].sort()).toEqual(["a", "b"]);
});

test("acceptNextSession waits for a message", async () => {
  const accepting = bench.client.acceptNextSession("lanes");
  await sleep(200);
  await send("lanes", ["late", 1]);
  const receiver = await accepting;
  expect(receiver.sessionId).toBe("late");
  expect((await one(receiver)).body).toBe(1);
});

test("acceptNextSession fails with ServiceTimeout when no session becomes free", async () => {
  const client = bench.newClient({ maxRetries: 0, timeoutInMs: 1000 });
  await expect(client.acceptNextSession("lanes")).rejects.toMatchObject({ code: "ServiceTimeout" });
});

test("a closed session is free immediately, and its locked messages return uncounted and in order", async () => {
  await send("lanes", ["a", 1], ["a", 2], ["a", 3]);
  const first = await bench.client.acceptSession("lanes", "a");
  await first.receiveMessages(2);
  const accepting = bench.newClient().acceptNextSession("lanes");
  await sleep(100);
  await first.close();
  const second = await accepting;
  const messages = await second.receiveMessages(3);
  expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount] as unknown)).toEqual([
    [1, 0],
    [2, 0],
    [3, 0],
  ]);
});

test("a session of a dropped connection is free immediately", async () => {
  await send("lanes", ["a", 1]);
  const lost = bench.newClient();
  await lost.acceptSession("lanes", "a");
  await lost.close();
  const receiver = await bench.client.acceptSession("lanes", "a");
  expect((await one(receiver)).deliveryCount).toBe(0);
});

test("an expired session lock detaches the receiver and counts as a delivery", async () => {
  await send("hasty", ["a", 1]);
  const receiver = await bench.client.acceptSession("hasty", "a", NO_RENEWAL);
  const message = await one(receiver);
  await sleep(1400);
  await expect(receiver.completeMessage(message)).rejects.toMatchObject({
    code: "SessionLockLost",
  });
  await expect(receiver.renewSessionLock()).rejects.toMatchObject({ code: "SessionLockLost" });
  const next = await bench.client.acceptNextSession("hasty", NO_RENEWAL);
  expect((await one(next)).deliveryCount).toBe(1);
});

test("a subscriber is notified when its session lock expires", async () => {
  await send("hasty", ["a", 1]);
  const receiver = await bench.client.acceptSession("hasty", "a", NO_RENEWAL);
  const error = new Promise<Error>((resolve) => {
    // Not completed: the SDK would ask over the management link while the test closes the client, and its timer for the
    // answer throws once the link has gone.
    receiver.subscribe(
      {
        processMessage: async () => void (await error),
        processError: async (args) => resolve(args.error),
      },
      { autoCompleteMessages: false },
    );
  });
  expect(await error).toMatchObject({ code: "SessionLockLost" });
});

test("a renewed session lock stays valid", async () => {
  await send("hasty", ["a", 1]);
  const receiver = await bench.client.acceptSession("hasty", "a", NO_RENEWAL);
  const message = await one(receiver);
  for (let renewal = 0; renewal < 4; renewal += 1) {
    await sleep(400);
    expect((await receiver.renewSessionLock()).getTime()).toBeGreaterThan(Date.now() + 500);
  }
  await receiver.completeMessage(message);
});

test("repeated expiry of the session lock dead-letters a message", async () => {
  await send("hasty", ["a", 1]);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const receiver = await bench.client.acceptNextSession("hasty", NO_RENEWAL);
    await one(receiver);
    await sleep(1300);
  }
  expect(bench.emulator.stats()).toMatchObject({ "active:hasty": 0, "deadLettered:hasty": 1 });
});

test("dead letters of a queue with sessions are received without a session", async () => {
  await send("lanes", ["a", 1], ["b", 2]);
  for (const id of ["a", "b"]) {
    const receiver = await bench.client.acceptSession("lanes", id);
    await receiver.deadLetterMessage(await one(receiver), {
      deadLetterReason: "bad",
      deadLetterErrorDescription: id,
    });
  }
  const receiver = bench.client.createReceiver("lanes", { subQueueType: "deadLetter" });
  expect(await receiver.peekMessages(5)).toHaveLength(2);
  const messages = await receiver.receiveMessages(2);
  expect(messages.map(({ sessionId }) => sessionId)).toEqual(["a", "b"]);
  await Promise.all(messages.map((message) => receiver.completeMessage(message)));
  expect(bench.emulator.stats()).toMatchObject({ "active:lanes": 0, "deadLettered:lanes": 0 });
});

test("session state is kept with the session", async () => {
  await send("lanes", ["a", 1]);
  const first = await bench.client.acceptSession("lanes", "a");
  expect(await first.getSessionState()).toBeNull();
  await first.setSessionState({ step: 2 });
  await first.close();
  const second = await bench.client.acceptSession("lanes", "a");
  expect(await second.getSessionState()).toEqual({ step: 2 });
  await second.setSessionState(null);
  expect(await second.getSessionState()).toBeNull();
});

test("the holder of a session can defer and peek its messages", async () => {
  await send("lanes", ["a", 1], ["b", 2], ["a", 3]);
  const receiver = await bench.client.acceptSession("lanes", "a");
  const first = await one(receiver);
  await receiver.deferMessage(first);
  const peeked = await receiver.peekMessages(10);
  expect(peeked.map(({ body, state }) => [body, state] as unknown)).toEqual([
    [1, "deferred"],
    [3, "active"],
  ]);
  if (first.sequenceNumber === undefined) throw new Error("no sequence number");
  const [deferred] = await receiver.receiveDeferredMessages(first.sequenceNumber);
  if (deferred === undefined) throw new Error("no deferred message");
  await receiver.completeMessage(deferred);
  expect(bench.emulator.stats()["deferred:lanes"]).toBe(0);
});

test("subscribe works through a session in order", async () => {
  await send("lanes", ...Array.from({ length: 200 }, (_, body): [string, unknown] => ["a", body]));
  const receiver = await bench.client.acceptSession("lanes", "a");
  const seen: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    receiver.subscribe({
      processMessage: async ({ body }) => {
        seen.push(body);
        if (seen.length === 200) resolve();
      },
      processError: async ({ error }) => reject(error),
    });
  });
  expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => index));
});

test("a message without a session id is refused by a queue with sessions", async () => {
  await expect(bench.client.createSender("lanes").sendMessages({ body: 1 })).rejects.toMatchObject({
    message: expect.stringContaining("SessionId was not set"),
  });
});

test("the kind of receiver must match the queue", async () => {
  await expect(bench.client.createReceiver("lanes").receiveMessages(1)).rejects.toMatchObject({
    message: expect.stringContaining("requires sessions"),
  });
  await expect(bench.client.acceptSession("plain", "a")).rejects.toMatchObject({
    code: "SessionCannotBeLocked",
  });
});

test("a hundred sessions can be held on one connection", async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `s-${index}`);
  await send("lanes", ...ids.map((id): [string, unknown] => [id, id]));
  const receivers = await Promise.all(ids.map(() => bench.client.acceptNextSession("lanes")));
  expect(new Set(receivers.map(({ sessionId }) => sessionId)).size).toBe(100);
  const messages = await Promise.all(receivers.map(one));
  expect(messages.every(({ body, sessionId }) => body === sessionId)).toBe(true);
});
