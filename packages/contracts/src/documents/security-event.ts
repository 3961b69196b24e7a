import { z } from "zod";
import { AgentId, GroupName, MessageId, Timestamp } from "../words/ids";
import { KeyId } from "../messages/work-proof";
import { limits } from "../words/limits";

/** What did not prove itself, and why (see the glossary). */
export const SecurityEventKind = z.enum([
  /** It carries no code, or one that cannot be read. */
  "code-missing",
  /** It names a key that the vault does not have. */
  "key-unknown",
  "key-revoked",
  /** Its time is too far ahead of the cloud's clock. */
  "code-not-yet-valid",
  "code-expired",
  /** Something that the code covers was changed, or the code was invented. */
  "code-wrong",
  /** An item is not what its id and hash say. */
  "content-changed",
  /** It proves itself and counts, but its group has no agent of that name. */
  "agent-unknown",
]);
export type SecurityEventKind = z.infer<typeof SecurityEventKind>;

/** Events of one group, kind and minute that are kept; further ones are counted. */
export const securityEventsKept = 20;

const event = {
  group: GroupName,
  kind: SecurityEventKind,
  at: Timestamp,
  /** Queue that it came in. */
  queue: z.string().max(limits.foreignNameChars),
  /** Who says to have sent it; nothing proves that. */
  agent: AgentId.nullable(),
  /** Work message (or job message) that it claims to report. */
  messageId: MessageId.nullable(),
  detail: z.string().max(limits.loggedReasonChars),
};

/** Sorts by time. */
const id = z.string().max(limits.foreignNameChars);

/** An event as the cloud keeps it, container `security`. */
export const SecurityEvent = z.object({
  id,
  type: z.literal("event"),
  ...event,
  /** Of what did not prove itself: what comes again is the same event. */
  digest: z.string().max(limits.foreignNameChars),
  /** The message (JSON text), while its key is unknown: it is judged again when the key is there. Shown to nobody. */
  pending: z.string().max(limits.messageBytes).optional(),
  /** The key that the message waits for. */
  key: KeyId.optional(),
  ttl: z.int().optional(),
});
export type SecurityEvent = z.infer<typeof SecurityEvent>;

/** How many events of one kind came within one minute, those that are not kept included. */
export const SecurityEventCount = z.object({
  id,
  type: z.literal("count"),
  group: GroupName,
  kind: SecurityEventKind,
  /** Begin of the minute. */
  at: Timestamp,
  count: z.int().min(0),
  ttl: z.int().optional(),
});
export type SecurityEventCount = z.infer<typeof SecurityEventCount>;

/** An event as callers see it. */
export const SecurityEventView = z.strictObject({
  id,
  ...event,
  /** Whether its message is kept, to be judged again. */
  pending: z.boolean(),
});
export type SecurityEventView = z.infer<typeof SecurityEventView>;
