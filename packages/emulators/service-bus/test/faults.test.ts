import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { connect } from "node:net";
import { startBench, type Bench } from "./queues";

let bench: Bench;
beforeEach(async () => {
  bench = await startBench([
    { name: "work", lockDurationMs: 1000 },
    { name: "lanes", requiresSession: true },
  ]);
});
afterEach(() => bench.close());

const stats = (): Record<string, number> => bench.emulator.stats();

test("a delayed send is acknowledged late", async () => {
  const sender = bench.client.createSender("work");
  await sender.sendMessages({ body: 0 });
  bench.emulator.faults.add({
    kind: "delay",
    operation: "send",
    resource: "work",
    delayMs: 400,
    times: 1,
  });
  const began = performance.now();
  await sender.sendMessages({ body: 1 });
  expect(performance.now() - began).toBeGreaterThan(390);
});

test("a refused send fails immediately and stores nothing", async () => {
  bench.emulator.faults.add({ kind: "refuse", operation: "send" });
  await expect(bench.client.createSender("work").sendMessages({ body: 1 })).rejects.toMatchObject({
    retryable: false,
  });
  expect(stats()["active:work"]).toBe(0);
});

test("the SDK retries a throttled send until it succeeds", async () => {
  bench.emulator.faults.add({ kind: "throttle", operation: "send", times: 2 });
  await bench.client.createSender("work").sendMessages({ body: 1 });
  expect(stats()["active:work"]).toBe(1);
});

test("endless throttling names the code of the real service", async () => {
  bench.emulator.faults.add({ kind: "throttle", operation: "send" });
  const error: unknown = await bench.client
    .createSender("work")
    .sendMessages({ body: 1 })
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AggregateError);
  expect((error as AggregateError).errors[0]).toMatchObject({
    code: "ServiceBusy",
    message: expect.stringContaining("50009"),
  });
});

test("a cut send is not carried out; the SDK reconnects and sends it once", async () => {
  bench.emulator.faults.add({ kind: "cut", operation: "send", times: 1 });
  await bench.client.createSender("work").sendMessages({ body: 1 });
  expect(stats()).toMatchObject({ "active:work": 1, connections: 2 });
});

test("a send whose reply is lost is carried out, and the SDK's retry makes a second message", async () => {
  bench.emulator.faults.add({ kind: "lose-reply", operation: "send", times: 1 });
  await bench.client.createSender("work").sendMessages({ body: 1 });
  expect(stats()["active:work"]).toBe(2);
});

test("a settlement whose reply is lost is carried out", async () => {
  await bench.client.createSender("work").sendMessages({ body: 1 });
  const receiver = bench.client.createReceiver("work");
  const [message] = await receiver.receiveMessages(1);
  bench.emulator.faults.add({ kind: "lose-reply", operation: "settle", times: 1 });
  if (message === undefined) throw new Error("no message came");
  await receiver.completeMessage(message).catch(() => {});
  expect(stats()["active:work"]).toBe(0);
});

test("a refused settlement leaves the message locked", async () => {
  await bench.client.createSender("work").sendMessages({ body: 1 });
  const receiver = bench.client.createReceiver("work");
  const [message] = await receiver.receiveMessages(1);
  bench.emulator.faults.add({ kind: "refuse", operation: "settle", times: 1 });
  if (message === undefined) throw new Error("no message came");
  await expect(receiver.completeMessage(message)).rejects.toThrow("Refused by the fault plan");
  expect(stats()["locked:work"]).toBe(1);
});

test("a refused management call returns the error", async () => {
  bench.emulator.faults.add({
    kind: "refuse",
    operation: "management:peek-message",
    resource: "work",
  });
  await expect(bench.client.createReceiver("work").peekMessages(1)).rejects.toThrow(
    "Refused by the fault plan",
  );
});

test("a refused attach fails the receiver, but only on the queue that the fault names", async () => {
  bench.emulator.faults.add({ kind: "refuse", operation: "attach", resource: "work" });
  await expect(bench.client.createReceiver("work").receiveMessages(1)).rejects.toThrow(
    "Refused by the fault plan",
  );
  await bench.client.createSender("lanes").sendMessages({ body: 1, sessionId: "a" });
});

test("a subscriber survives a cut delivery and a cut connection", async () => {
  bench.emulator.faults.add({ kind: "cut", operation: "deliver", times: 1, after: 2 });
  const seen: unknown[] = [];
  const receiver = bench.client.createReceiver("work");
  const all = new Promise<void>((resolve) => {
    receiver.subscribe({
      processMessage: async ({ body }) => {
        seen.push(body);
        if (seen.length === 5) resolve();
      },
      processError: async () => {},
    });
  });
  await bench.client.createSender("work").sendMessages([1, 2, 3, 4, 5].map((body) => ({ body })));
  await all;
  expect([...seen].sort()).toEqual([1, 2, 3, 4, 5]);
});

test("a refused delivery detaches the receiver, and the message waits for the next", async () => {
  bench.emulator.faults.add({ kind: "refuse", operation: "deliver", times: 1 });
  await bench.client.createSender("work").sendMessages({ body: 1 });
  await expect(bench.client.createReceiver("work").receiveMessages(1)).rejects.toThrow(
    "Refused by the fault plan",
  );
  const [message] = await bench.client.createReceiver("work").receiveMessages(1);
  expect(message?.deliveryCount).toBe(0);
});

test("a delayed attach is replied to late, also for a session", async () => {
  await bench.client.createSender("lanes").sendMessages({ body: 1, sessionId: "a" });
  bench.emulator.faults.add({
    kind: "delay",
    operation: "attach",
    resource: "lanes",
    delayMs: 300,
  });
  const began = performance.now();
  const receiver = await bench.client.acceptNextSession("lanes");
  expect(performance.now() - began).toBeGreaterThan(290);
  expect(await receiver.receiveMessages(1)).toHaveLength(1);
});

test("a delayed delivery arrives late", async () => {
  bench.emulator.faults.add({ kind: "delay", operation: "deliver", delayMs: 300, times: 1 });
  await bench.client.createSender("work").sendMessages({ body: 1 });
  const began = performance.now();
  expect(await bench.client.createReceiver("work").receiveMessages(1)).toHaveLength(1);
  expect(performance.now() - began).toBeGreaterThan(290);
});

test("a management call whose reply is lost is carried out, and again when the SDK repeats it", async () => {
  bench.emulator.faults.add({
    kind: "lose-reply",
    operation: "management:schedule-message",
    times: 1,
  });
  const sender = bench.client.createSender("work");
  await sender.scheduleMessages({ body: 1 }, new Date(Date.now() + 60_000));
  expect(stats()["scheduled:work"]).toBe(2);
});

test("a connection that is cut immediately fails the send, and the next one connects", async () => {
  bench.emulator.faults.add({ kind: "cut", operation: "connect", times: 1 });
  const sender = bench.client.createSender("work");
  await expect(sender.sendMessages({ body: 1 })).rejects.toThrow("Failed to connect");
  await sender.sendMessages({ body: 2 });
  expect(stats()["active:work"]).toBe(1);
});

test("faults can be armed over the control server", async () => {
  const response = await fetch(`${bench.emulator.control}/faults`, {
    method: "POST",
    body: JSON.stringify({ kind: "refuse", operation: "send" }),
  });
  expect(response.status).toBe(201);
  await expect(bench.client.createSender("work").sendMessages({ body: 1 })).rejects.toThrow(
    "Refused",
  );
  const counted = (await (await fetch(`${bench.emulator.control}/stats`)).json()) as Record<
    string,
    number
  >;
  expect(counted).toMatchObject({ messagesSent: 0, "active:work": 0, "locked:lanes": 0 });
});

test("bytes that are not AMQP end their own connection only", async () => {
  const sender = bench.client.createSender("work");
  await sender.sendMessages({ body: 1 });
  for (const bytes of [
    "GET / HTTP/1.1\r\n\r\n",
    "AMQP\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0009\u0002\u0000\u0000\u0000\u00ff",
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connect(bench.emulator.port, "127.0.0.1");
      socket.on("close", () => resolve());
      socket.on("error", () => {});
      socket.write(bytes, "latin1");
      socket.resume();
      setTimeout(() => socket.destroy(), 300).unref();
    });
  }
  await sender.sendMessages({ body: 2 });
  expect(stats()["active:work"]).toBe(2);
});

test("management calls count ten operations each", async () => {
  await bench.client.createSender("work").sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = bench.client.createReceiver("work", { maxAutoLockRenewalDurationInMs: 0 });
  await receiver.receiveMessages(2);
  await receiver.peekMessages(1);
  expect(stats()).toMatchObject({
    messagesSent: 2,
    messagesReceived: 2,
    managementCalls: 1,
    operations: 14,
  });
});
