import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { ServiceBusClient, type ServiceBusMessage } from "@azure/service-bus";
import { startServiceBusEmulator, type ServiceBusEmulator } from "@postern/service-bus-emulator";
import type { FunctionsHost } from "../src/index";
import { eventually, fixtureApp } from "./fixture-app";

interface Seen {
  at: number;
  body: unknown;
  isBuffer: boolean;
  metadata: Record<string, unknown>;
  trace: string;
}

const queues = ["one", "bytes", "many", "forward", "forwarded"].map((name) => ({
  name,
  maxDeliveryCount: 3,
  lockDurationMs: 5000,
}));
const sessionQueues = ["sessions", "session-batches"].map((name) => ({
  name,
  requiresSession: true,
  lockDurationMs: 5000,
}));
const fixture = fixtureApp("service-bus-app", {
  extensions: {
    serviceBus: {
      maxConcurrentCalls: 3,
      maxConcurrentSessions: 2,
      sessionIdleTimeout: "00:00:00.2",
    },
  },
});
let bus: ServiceBusEmulator;
let host: FunctionsHost;
let client: ServiceBusClient;
const known = new Map<string, number>();

beforeAll(async () => {
  bus = await startServiceBusEmulator({ topology: { queues: [...queues, ...sessionQueues] } });
  client = new ServiceBusClient(bus.connectionString);
  host = await fixture.start({ settings: { Bus: bus.connectionString, QUEUE_ONE: "one" } });
});
afterAll(async () => {
  await client.close();
  await fixture.remove();
  await bus.close();
});

async function all(fn: string): Promise<{ seen: Seen[]; peak: number }> {
  const response = await fetch(`${host.functions}/api/seen?fn=${fn}`);
  return (await response.json()) as { seen: Seen[]; peak: number };
}

/** What a function has seen since the test began. */
async function since(fn: string): Promise<Seen[]> {
  return (await all(fn)).seen.slice(known.get(fn) ?? 0);
}

beforeEach(async () => {
  for (const fn of ["one", "bytes", "many", "dead", "sessions", "session-batches"]) {
    known.set(fn, (await all(fn)).seen.length);
  }
});

function atLeast(fn: string, count: number): Promise<Seen[]> {
  return eventually(`${count} invocations of ${fn}`, async () => {
    const seen = await since(fn);
    return seen.length >= count ? seen : undefined;
  });
}

async function send(queue: string, ...messages: ServiceBusMessage[]): Promise<void> {
  const sender = client.createSender(queue);
  await sender.sendMessages(messages);
  await sender.close();
}

/** A new client, because a client's peeks continue where the last one ended. */
async function countIn(queue: string): Promise<number> {
  const peeking = new ServiceBusClient(bus.connectionString);
  const found = await peeking.createReceiver(queue).peekMessages(100);
  await peeking.close();
  return found.length;
}

describe("single messages", () => {
  test("the body is an object where the text is JSON, and the metadata has the extension's names", async () => {
    await send("one", {
      body: { hello: "world" },
      messageId: "m-1",
      contentType: "application/json",
      correlationId: "c-1",
      subject: "s-1",
      replyTo: "r-1",
      applicationProperties: { Tenant: "t-1", count: 7 },
    });
    const [seen] = await atLeast("one", 1);
    expect(seen?.body).toEqual({ hello: "world" });
    expect(seen?.metadata).toMatchObject({
      messageId: "m-1",
      contentType: "application/json",
      correlationId: "c-1",
      subject: "s-1",
      label: "s-1",
      replyTo: "r-1",
      deliveryCount: 1,
      // The library lowers the first letter of every key, also of the sender's own.
      applicationProperties: { tenant: "t-1", count: 7 },
      userProperties: { tenant: "t-1", count: 7 },
    });
    expect(seen?.metadata["sequenceNumber"]).toEqual(expect.any(Number));
    expect(seen?.metadata["lockToken"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(Date.parse(String(seen?.metadata["enqueuedTimeUtc"]))).toBeGreaterThan(0);
    await eventually("an empty queue", async () =>
      (await countIn("one")) === 0 ? true : undefined,
    );
  });

  test("text stays text, and anything else is bytes", async () => {
    await send("bytes", { body: Buffer.from("plain words") });
    await send("bytes", { body: Buffer.from([0xff, 0x00, 0xfe]) });
    const [text, bytes] = await atLeast("bytes", 2);
    expect(text).toMatchObject({ body: "plain words", isBuffer: false });
    expect(bytes).toMatchObject({ body: "ff00fe", isBuffer: true });
  });

  test("a failing message is redelivered, is dead-lettered, and triggers there", async () => {
    await send("one", { body: { fail: true }, messageId: "bad" });
    const [dead] = await atLeast("dead", 1);
    expect(dead?.body).toEqual({ fail: true });
    expect(dead?.metadata).toMatchObject({
      messageId: "bad",
      deadLetterSource: "one",
      deadLetterReason: "MaxDeliveryCountExceeded",
    });
    expect((await since("one")).map(({ metadata }) => metadata["deliveryCount"])).toEqual([
      1, 2, 3,
    ]);
  });

  test("no more than maxConcurrentCalls run at the same time", async () => {
    await send("one", ...Array.from({ length: 9 }, () => ({ body: { holdMs: 20 } })));
    await atLeast("one", 9);
    expect((await all("one")).peak).toBe(3);
  });

  test("the invocation is a child of the sender's trace", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    await send("one", { body: 1, applicationProperties: { traceparent } });
    const [seen] = await atLeast("one", 1);
    expect(seen?.trace).toContain(traceId);
  });

  test("an operator runs the function by hand with a text", async () => {
    const response = await fetch(`${host.functions}/admin/functions/one`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: '{"by":"hand"}' }),
    });
    expect(response.status).toBe(202);
    expect((await atLeast("one", 1))[0]?.body).toEqual({ by: "hand" });
  });
});

describe("batches", () => {
  test("waiting messages arrive as one batch, with arrays of metadata in the same order", async () => {
    const messages = Array.from({ length: 50 }, (_, n) => ({
      body: { n },
      messageId: `batch-${n}`,
      applicationProperties: { n },
    }));
    await send("many", ...messages);
    const seen = await eventually("50 messages", async () => {
      const batches = await since("many");
      const count = batches.reduce((sum, { body }) => sum + (body as unknown[]).length, 0);
      return count >= 50 ? batches : undefined;
    });
    expect(seen.length).toBeLessThan(25);
    const [{ body, metadata }] = seen as [Seen];
    const ids = (body as { n: number }[]).map(({ n }) => `batch-${n}`);
    expect(metadata["messageIdArray"]).toEqual(ids);
    expect(metadata["applicationPropertiesArray"]).toEqual(body);
    expect(metadata["deliveryCountArray"]).toEqual(ids.map(() => 1));
    expect((await all("many")).peak).toBe(1);
    await eventually("an empty queue", async () =>
      (await countIn("many")) === 0 ? true : undefined,
    );
  });

  test("one throw fails the whole batch, which is redelivered", async () => {
    await send("many", { body: "good", messageId: "g" }, { body: "fail", messageId: "f" });
    await eventually("three deliveries of both", async () => {
      const counts = (await since("many")).flatMap(
        ({ metadata }) => metadata["deliveryCountArray"] as number[],
      );
      return counts.filter((count) => count === 3).length >= 2 ? true : undefined;
    });
  });
});

describe("sessions", () => {
  test("messages of one session run in order, one at a time, and sessions run beside each other", async () => {
    await send(
      "sessions",
      ...Array.from({ length: 12 }, (_, n) => ({
        body: { n, holdMs: 10 },
        sessionId: `s${n % 3}`,
      })),
    );
    const seen = await atLeast("sessions", 12);
    for (const session of ["s0", "s1", "s2"]) {
      const own = seen.filter(({ metadata }) => metadata["sessionId"] === session);
      const numbers = own.map(({ body }) => (body as { n: number }).n);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(numbers).toHaveLength(4);
    }
    expect((await all("sessions")).peak).toBe(2);
  });

  test("a batch holds messages of one session only", async () => {
    await send(
      "session-batches",
      ...Array.from({ length: 20 }, (_, n) => ({ body: { n }, sessionId: `b${n % 2}` })),
    );
    const batches = await eventually("20 messages", async () => {
      const seen = await since("session-batches");
      return seen.flatMap(({ body }) => body as unknown[]).length >= 20 ? seen : undefined;
    });
    for (const { metadata } of batches) {
      expect(new Set(metadata["sessionIdArray"] as string[]).size).toBe(1);
    }
  });

  test("an idle session is released so that another can be served", async () => {
    for (const sessionId of ["x1", "x2", "x3", "x4"])
      await send("sessions", { body: {}, sessionId });
    const seen = await atLeast("sessions", 4);
    expect(new Set(seen.map(({ metadata }) => metadata["sessionId"])).size).toBe(4);
  });
});

describe("outputs", () => {
  test("a returned value and extra outputs are sent, an array as one message each", async () => {
    const receiver = client.createReceiver("forwarded", { receiveMode: "receiveAndDelete" });
    await send("forward", { body: { passed: "on" }, contentType: "application/json" });
    const [first] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
    expect(first).toMatchObject({ body: { passed: "on" }, contentType: "application/json" });
    const response = await fetch(`${host.functions}/api/send`, {
      method: "POST",
      body: JSON.stringify(["text", { n: 2 }]),
    });
    expect(response.status).toBe(202);
    const rest = await receiver.receiveMessages(2, { maxWaitTimeInMs: 5000 });
    await receiver.close();
    expect(
      rest.map(({ body, contentType }) => ({
        body: Buffer.isBuffer(body) ? body.toString() : (body as unknown),
        contentType,
      })),
    ).toEqual([
      { body: "text", contentType: "text/plain" },
      { body: { n: 2 }, contentType: "application/json" },
    ]);
  });
});
