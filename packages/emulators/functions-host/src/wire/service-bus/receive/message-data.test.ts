import { expect, test } from "@jest/globals";
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { batchData, batchMetadata, messageData, messageMetadata } from "./message-data";

function message(fields: Partial<ServiceBusReceivedMessage>): ServiceBusReceivedMessage {
  return {
    body: Buffer.alloc(0),
    state: "active",
    _rawAmqpMessage: {},
    ...fields,
  } as ServiceBusReceivedMessage;
}

test("a body is text when it is UTF-8, unless the binding asks for bytes", () => {
  expect(messageData(message({ body: Buffer.from("grün") }), false)).toEqual({ string: "grün" });
  expect(messageData(message({ body: Buffer.from([0xc3, 0x28]) }), false)).toEqual({
    bytes: Buffer.from([0xc3, 0x28]),
  });
  expect(messageData(message({ body: Buffer.from("a") }), true)).toEqual({
    bytes: Buffer.from("a"),
  });
});

test("AMQP value and sequence bodies become text or JSON", () => {
  expect(messageData(message({ body: "value" }), false)).toEqual({ string: "value" });
  expect(messageData(message({ body: [1, "two"] }), false)).toEqual({ string: '[1,"two"]' });
  expect(messageData(message({ body: undefined }), false)).toEqual({ string: "" });
});

test("a batch has one type for all its bodies", () => {
  const text = message({ body: Buffer.from("a") });
  const bytes = message({ body: Buffer.from([0xff]) });
  expect(batchData([text, text], false)).toEqual({ collectionString: { string: ["a", "a"] } });
  expect(batchData([text, bytes], false)).toEqual({
    collectionBytes: { bytes: [Buffer.from("a"), Buffer.from([0xff])] },
  });
});

test("the first delivery counts as one, though AMQP counts from zero", () => {
  expect(messageMetadata(message({ deliveryCount: 0 }))).toMatchObject({
    DeliveryCount: { int: 1 },
  });
});

test("an absent value is left out for one message, and keeps its place in a batch", () => {
  expect(messageMetadata(message({ messageId: "a" }))).not.toHaveProperty("SessionId");
  const { SessionIdArray } = batchMetadata([message({}), message({ sessionId: "s" })]);
  expect(SessionIdArray).toEqual({ collectionString: { string: ["", "s"] } });
});
