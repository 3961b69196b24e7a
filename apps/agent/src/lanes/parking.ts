/** Builds the message that carries an unreadable one to the cloud: see `ParkedMessage`. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  clip,
  eventProperties,
  limits,
  type MessageId,
  PARKED_MESSAGE_TYPE,
  ParkedMessage,
  posternProperties,
  type TargetName,
} from "@postern/contracts";
import { timestamp } from "@postern/runtime";
import type { Delivery, OutgoingMessage } from "../ports/broker";
import type { ResultSource } from "../reports/result-packing";

/** Characters kept of a SHA-256 in base64url: 192 bits, and ids stay short. */
const ID_DIGEST_CHARS = 32;
/** The message is JSON inside JSON, with room for headers: Service Bus Standard takes 256 KB. */
const LONGEST_BYTES = 240 * 1024;

export interface UnknownMajor {
  readonly target: TargetName;
  readonly sessionId: string;
  readonly type: string;
  readonly reason: string;
}

/** @returns undefined when the message cannot be carried in another: it is not JSON, or too large */
export function parkedMessageOf(
  delivery: Delivery,
  unknown: UnknownMajor,
  source: ResultSource,
  wallMs: number,
): OutgoingMessage | undefined {
  if (delivery.body instanceof Uint8Array) return undefined;
  const digest = createHash("sha256").update(delivery.messageId).digest("base64url");
  const messageId = `k:${digest.slice(0, ID_DIGEST_CHARS)}` as MessageId;
  const at = timestamp(wallMs);
  const body = ParkedMessage.safeParse({
    ...source,
    messageId,
    at,
    target: unknown.target,
    sessionId: unknown.sessionId,
    workMessageId: delivery.messageId,
    unreadType: unknown.type,
    reason: clip(unknown.reason, limits.reasonChars),
    properties: plain(delivery.properties),
    payload: JSON.stringify(delivery.body),
  });
  if (!body.success || Buffer.byteLength(JSON.stringify(body.data)) > LONGEST_BYTES) {
    return undefined;
  }
  return {
    messageId,
    body: body.data,
    properties: {
      ...eventProperties({
        id: messageId,
        source: `agent/${source.agent}`,
        type: PARKED_MESSAGE_TYPE,
        time: at,
      }),
      ...posternProperties({ group: source.group }),
    },
  };
}

function plain(properties: Delivery["properties"]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties ?? {}).filter(([, value]) =>
      ["string", "number", "boolean"].includes(typeof value),
    ),
  );
}
