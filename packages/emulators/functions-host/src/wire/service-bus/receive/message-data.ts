/**
 * What the host passes to the library for messages: the body, and the metadata under the names of the .NET extension.
 */
import { isUtf8 } from "node:buffer";
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { RpcTypedData } from "../../../engine/app/rpc";

/**
 * A body as text wherever it is text (the library then parses it when it is JSON, whatever the content type says, as
 * in the service), otherwise as bytes. The receiver must have been made with `skipParsingBodyAsJson`.
 */
export function messageData(message: ServiceBusReceivedMessage, binary: boolean): RpcTypedData {
  const bytes = bodyBytes(message);
  return binary || !isUtf8(bytes) ? { bytes } : { string: bytes.toString("utf8") };
}

/** A batch has one type: bytes as soon as one body is not text. */
export function batchData(
  messages: readonly ServiceBusReceivedMessage[],
  binary: boolean,
): RpcTypedData {
  const bodies = messages.map(bodyBytes);
  return binary || !bodies.every((body) => isUtf8(body))
    ? { collectionBytes: { bytes: bodies } }
    : { collectionString: { string: bodies.map((body) => body.toString("utf8")) } };
}

function bodyBytes(message: ServiceBusReceivedMessage): Buffer {
  const body: unknown = message.body;
  if (Buffer.isBuffer(body)) return body;
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (body === undefined || body === null) return Buffer.alloc(0);
  // An AMQP value or sequence body.
  return Buffer.from(typeof body === "string" ? body : stringify(body));
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "bigint" ? Number(inner) : inner,
  );
}

type Kind = "text" | "number" | "json";
const FIELDS: readonly (readonly [
  string,
  Kind,
  (message: ServiceBusReceivedMessage) => unknown,
])[] = [
  ["MessageId", "text", (m) => m.messageId],
  ["SequenceNumber", "number", (m) => m.sequenceNumber?.toNumber()],
  ["EnqueuedSequenceNumber", "number", (m) => m.enqueuedSequenceNumber],
  ["DeliveryCount", "number", (m) => (m.deliveryCount ?? 0) + 1],
  ["EnqueuedTimeUtc", "text", (m) => m.enqueuedTimeUtc],
  ["ExpiresAtUtc", "text", (m) => m.expiresAtUtc],
  ["LockedUntil", "text", (m) => m.lockedUntilUtc],
  ["ScheduledEnqueueTimeUtc", "text", (m) => m.scheduledEnqueueTimeUtc],
  ["LockToken", "text", (m) => m.lockToken],
  ["SessionId", "text", (m) => m.sessionId],
  ["ReplyTo", "text", (m) => m.replyTo],
  ["ReplyToSessionId", "text", (m) => m.replyToSessionId],
  ["PartitionKey", "text", (m) => m.partitionKey],
  ["To", "text", (m) => m.to],
  ["Subject", "text", (m) => m.subject],
  ["Label", "text", (m) => m.subject],
  ["CorrelationId", "text", (m) => m.correlationId],
  ["ContentType", "text", (m) => m.contentType],
  ["DeadLetterSource", "text", (m) => m.deadLetterSource],
  ["DeadLetterReason", "text", (m) => m.deadLetterReason],
  ["DeadLetterErrorDescription", "text", (m) => m.deadLetterErrorDescription],
  ["ApplicationProperties", "json", (m) => m.applicationProperties ?? {}],
  ["UserProperties", "json", (m) => m.applicationProperties ?? {}],
];

function asText(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? value : stringify(value);
}

/** Metadata of one message; absent values are left out. */
export function messageMetadata(message: ServiceBusReceivedMessage): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = {};
  for (const [name, kind, read] of FIELDS) {
    const value = read(message);
    if (value === undefined || value === null) continue;
    switch (kind) {
      case "text":
        metadata[name] = { string: asText(value) };
        break;
      case "number":
        metadata[name] = { int: Number(value) };
        break;
      case "json":
        metadata[name] = { json: stringify(value) };
    }
  }
  return metadata;
}

/** Metadata of a batch: arrays in the order of the messages, `messageIdArray` and so on, "" where one has none. */
export function batchMetadata(
  messages: readonly ServiceBusReceivedMessage[],
): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = {};
  for (const [name, kind, read] of FIELDS) {
    const values = messages.map(read);
    const key = `${name}Array`;
    switch (kind) {
      case "text":
        metadata[key] = { collectionString: { string: values.map(asText) } };
        break;
      case "number":
        metadata[key] = {
          collectionSint64: { sint64: values.map((value) => Number(value ?? 0)) },
        };
        break;
      case "json":
        metadata[key] = { json: stringify(values) };
    }
  }
  return metadata;
}
