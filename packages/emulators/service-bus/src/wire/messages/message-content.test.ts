import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { QueueMessage } from "../../engine/model/queue-message";
import { addProperties, readBatch, readMessage, writeMessage } from "./message-content";
import { amqpTypes, decodeMessage, encodeMessage } from "../rhea/rhea";
import { WireError } from "./amqp-value";

function received(content: Buffer, fields: Partial<QueueMessage> = {}): QueueMessage {
  return {
    queueId: 1,
    sequenceNumber: 2 ** 40 + 5,
    messageId: "m",
    sessionId: undefined,
    ttlMs: undefined,
    scheduledForMs: undefined,
    enqueuedAtMs: 1_700_000_000_123,
    expiresAtMs: Infinity,
    originalSequenceNumber: undefined,
    deadLetterSource: undefined,
    content,
    deliveryCount: 0,
    state: "active",
    row: 0,
    dirty: false,
    ...fields,
  };
}

test("the broker reads what it needs, and the message leaves unchanged", () => {
  const message = readMessage(
    encodeMessage({
      message_id: "id-1",
      group_id: "session-1",
      ttl: 5000,
      durable: true,
      priority: 7,
      message_annotations: {
        "x-opt-scheduled-enqueue-time": new Date(1_800_000_000_000),
        "x-opt-partition-key": "p",
        "x-opt-sequence-number": 99,
      },
      application_properties: { a: 1 },
      body: { deep: [1, "two"] },
    }),
  );
  expect(message).toMatchObject({
    messageId: "id-1",
    sessionId: "session-1",
    ttlMs: 5000,
    scheduledForMs: 1_800_000_000_000,
  });
  const out = writeMessage(
    received(message.content, {
      ttlMs: 5000,
      deliveryCount: 300,
      originalSequenceNumber: 4,
      deadLetterSource: "work",
      state: "deferred",
    }),
    1_700_000_060_000,
  );
  expect(decodeMessage(out)).toMatchObject({
    durable: true,
    priority: 7,
    ttl: 5000,
    delivery_count: 300,
    message_id: "id-1",
    group_id: "session-1",
    message_annotations: {
      "x-opt-partition-key": "p",
      "x-opt-sequence-number": 2 ** 40 + 5,
      "x-opt-enqueued-time": new Date(1_700_000_000_123),
      "x-opt-locked-until": new Date(1_700_000_060_000),
      "x-opt-enqueue-sequence-number": 4,
      "x-opt-message-state": 1,
      "x-opt-deadletter-source": "work",
    },
    application_properties: { a: 1 },
    body: { deep: [1, "two"] },
  });
});

test("number types survive, which decoding would lose", () => {
  const sent = encodeMessage({
    message_id: "m",
    application_properties: { long: amqpTypes.wrap_long(5), int: amqpTypes.wrap_int(5) },
    body: amqpTypes.wrap_long(7),
  });
  const { content } = readMessage(sent);
  const sections = sent.subarray(sent.indexOf(Buffer.from([0x00, 0x53, 0x73])));
  expect(writeMessage(received(content), undefined).subarray(-sections.length)).toEqual(sections);
});

test.each([
  ["no properties at all", { body: "x" }],
  ["properties without an id", { subject: "s", group_id: "g", body: "x" }],
])("a message with %s gets an id", (_, sent) => {
  const message = readMessage(encodeMessage(sent));
  expect(message.messageId).toMatch(/^[0-9a-f]{32}$/);
  expect(decodeMessage(writeMessage(received(message.content), undefined))).toMatchObject({
    ...sent,
    message_id: message.messageId,
  });
});

test("ids that are not strings are distinguished by type and value", () => {
  const idOf = (message_id: unknown): string =>
    readMessage(encodeMessage({ message_id, body: 1 })).messageId;
  expect(idOf(5)).toBe(idOf(5));
  expect(new Set([idOf(5), idOf(6), idOf("5"), idOf(Buffer.alloc(16))]).size).toBe(4);
});

test("added properties replace those of the same name and leave the others alone", () => {
  const { content } = readMessage(
    encodeMessage({
      message_id: "m",
      application_properties: { keep: 1, change: "old" },
      body: "x",
    }),
  );
  const edited = addProperties(content, { change: "new", added: true, absent: undefined });
  const again = decodeMessage(writeMessage(received(edited), undefined));
  expect(again).toMatchObject({
    message_id: "m",
    body: "x",
    application_properties: { keep: 1, change: "new", added: true },
  });
  const bare = addProperties(readMessage(encodeMessage({ message_id: "m", body: "x" })).content, {
    only: 1,
  });
  expect(decodeMessage(writeMessage(received(bare), undefined))).toMatchObject({
    application_properties: { only: 1 },
    body: "x",
  });
});

test("the parts of a batch are separate messages", () => {
  const part = (id: string): Buffer => encodeMessage({ message_id: id, body: id });
  const section = (bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([0x00, 0x53, 0x75, 0xa0, bytes.length]), bytes]);
  const batch = Buffer.concat([section(part("a")), section(part("b"))]);
  expect(readBatch(batch).map(({ messageId }) => messageId)).toEqual(["a", "b"]);
});

test("any bytes that are not a message are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        readMessage(Buffer.from(bytes));
      } catch (error) {
        expect(error instanceof WireError || error instanceof RangeError).toBe(true);
      }
    }),
  );
});

test("a message that is cut off anywhere is refused, or read without what is missing", () => {
  const whole = encodeMessage({
    message_id: "m",
    message_annotations: { k: "v" },
    application_properties: { a: "b" },
    body: "x",
  });
  for (let length = 1; length < whole.length; length += 1) {
    try {
      decodeMessage(
        writeMessage(received(readMessage(whole.subarray(0, length)).content), undefined),
      );
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
    }
  }
});
