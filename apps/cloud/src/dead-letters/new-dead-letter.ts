import { createHash } from "node:crypto";
import {
  type Attempt,
  clip,
  type CycleId,
  type DeadLetter,
  entityKey,
  type EntityRef,
  type ErrorCode,
  eventAttribute,
  limits,
  type PosternError,
  type SyncDefinition,
} from "@postern/contracts";
import { withoutCodes } from "../proofs/without-codes";
import type { QueueOfGroup, ReceivedMessage } from "../ports/message-bus";

const MAX_PAYLOAD_CHARS = 65_536;
const ID_CHARS = 250;
const DIGEST_CHARS = 16;

/** Ids sort by time and are made from what they identify, so that storing one twice has no effect. */
export function deadLetterId(atMs: number, subject: string): string {
  const time = new Date(atMs).toISOString().replace(/[-:.]/g, "");
  const id = `${time}-${subject.replace(/[/\\?#\s]/g, "_")}`;
  if (id.length <= ID_CHARS) return id;
  // The part that is cut off may be the only difference between two of one message.
  const digest = createHash("sha256").update(subject).digest("hex").slice(0, DIGEST_CHARS);
  return `${id.slice(0, ID_CHARS - 1 - DIGEST_CHARS)}~${digest}`;
}

/** Without the codes that prove it: people who may read payloads must not be able to use them. */
export function payloadText(text: string): Pick<DeadLetter, "payload" | "payloadTruncated"> {
  return {
    payload: clip(withoutCodes(text), MAX_PAYLOAD_CHARS),
    payloadTruncated: text.length > MAX_PAYLOAD_CHARS,
  };
}

/** For an entity that the cloud could not map to an item. */
export function unmappedDeadLetter(facts: {
  readonly definition: SyncDefinition;
  readonly entity: EntityRef;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly version: number;
  readonly cycleId: CycleId;
  readonly traceparent: string | undefined;
  readonly nowMs: number;
}): DeadLetter {
  const { definition, entity } = facts;
  return {
    id: deadLetterId(facts.nowMs, `${definition.id}.${entityKey(entity)}.${facts.version}`),
    group: definition.group,
    state: "open",
    source: "page-run",
    by: "cloud",
    code: facts.code,
    reason: clip(facts.reason, limits.reasonChars),
    definition: definition.id,
    target: definition.target,
    entity: entityKey(entity),
    itemId: null,
    version: facts.version,
    messageId: null,
    cycleId: facts.cycleId,
    traceparent: facts.traceparent ?? null,
    attempts: [] satisfies Attempt[],
    deliveryCount: 0,
    payload: "",
    payloadTruncated: false,
    proven: false,
    deadLetteredAt: new Date(facts.nowMs).toISOString(),
  };
}

/** A message that no consumer can read, kept for a person. */
export function unreadableDeadLetter(
  { queue, group }: QueueOfGroup,
  received: ReceivedMessage,
  error: PosternError,
  nowMs: number,
): DeadLetter {
  return {
    // By the sender's time where there is one, so that a second delivery is the same dead letter.
    id: deadLetterId(eventTimeMs(received.properties) ?? 0, `${queue}.${received.messageId}`),
    group,
    state: "open",
    source: queue,
    by: "cloud",
    code: error.code,
    reason: clip(error.message, limits.reasonChars),
    definition: null,
    target: null,
    entity: null,
    itemId: null,
    version: null,
    messageId: clip(received.messageId, limits.foreignNameChars),
    cycleId: null,
    traceparent:
      eventAttribute(received.properties, "traceparent")?.slice(0, limits.traceparentChars) ?? null,
    attempts: [],
    deliveryCount: received.deliveryCount,
    ...payloadText(bodyText(received.body)),
    proven: false,
    deadLetteredAt: new Date(nowMs).toISOString(),
  };
}

export function eventTimeMs(properties: ReceivedMessage["properties"]): number | undefined {
  const time = eventAttribute(properties, "time");
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}

export function bodyText(body: unknown): string {
  if (typeof body === "string") return body;
  if (Buffer.isBuffer(body)) return body.toString("utf8");
  try {
    return JSON.stringify(body) ?? "";
  } catch {
    return "";
  }
}
