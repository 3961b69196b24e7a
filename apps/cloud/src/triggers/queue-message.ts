import type { InvocationContext } from "@azure/functions";
import type { ReceivedMessage } from "../ports/message-bus";

/** What the Service Bus extension supplies beside the body. All of it is treated as hostile: it may be anything. */
function metadataOf(context: InvocationContext): Readonly<Record<string, unknown>> {
  return context.triggerMetadata ?? {};
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number {
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 ? number : 0;
}

export function singleMessage(
  body: unknown,
  context: InvocationContext,
): ReceivedMessage & { readonly enqueuedAtMs: number } {
  const metadata = metadataOf(context);
  const enqueuedAtMs = Date.parse(textOf(metadata["enqueuedTimeUtc"]));
  return {
    body,
    messageId: textOf(metadata["messageId"]),
    properties: {
      DeadLetterReason: metadata["deadLetterReason"],
      DeadLetterErrorDescription: metadata["deadLetterErrorDescription"],
      ...recordOf(metadata["applicationProperties"]),
    },
    deliveryCount: numberOf(metadata["deliveryCount"]),
    enqueuedAtMs: Number.isNaN(enqueuedAtMs) ? 0 : enqueuedAtMs,
  };
}

export function batchOfMessages(bodies: unknown, context: InvocationContext): ReceivedMessage[] {
  const metadata = metadataOf(context);
  const list = (name: string): readonly unknown[] => {
    const value = metadata[name];
    return Array.isArray(value) ? (value as unknown[]) : [];
  };
  const ids = list("messageIdArray");
  const properties = list("applicationPropertiesArray");
  const deliveries = list("deliveryCountArray");
  const all = Array.isArray(bodies) ? (bodies as unknown[]) : [bodies];
  return all.map((body, index) => ({
    body,
    messageId: textOf(ids[index]),
    properties: recordOf(properties[index]),
    deliveryCount: numberOf(deliveries[index]),
  }));
}
