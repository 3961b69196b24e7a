import { z } from "zod";
import { DefinitionId, GroupName, MessageId, TargetName, Timestamp } from "../words/ids";
import { limits } from "../words/limits";
import { defineStateModel } from "../words/state-model";
import { Attempt, ContentHash } from "../messages/work-message";

export const DeadLetterState = z.enum(["open", "replayed", "discarded"]);
export type DeadLetterState = z.infer<typeof DeadLetterState>;

/** The life of a dead letter, as data. What was replayed and fails again is open again; what was discarded stays so. */
export const deadLetterModel = defineStateModel({
  name: "dead letter",
  initial: "open",
  states: ["open", "replayed", "discarded"],
  transitions: [
    { from: "open", on: "replay", to: "replayed" },
    { from: "replayed", on: "fail-again", to: "open" },
    { from: "open", on: "discard", to: "discarded" },
  ],
});

/** Sorts by time; made from the message id and item id, so that a second drain of the same message changes nothing. */
export const DeadLetterId = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[^/\\?#\s]+$/, { error: "must not hold / \\ ? # or white space" });

/** Who acts, as the verified token says. */
export const Actor = z.object({
  /** Object id of the user or service principal. */
  oid: z.string().max(100),
  /** Client id of the program. */
  azp: z.string().max(100),
  name: z.string().max(limits.actorNameChars),
});
export type Actor = z.infer<typeof Actor>;

/** One step in a dead letter's life: who, why, and between which states. */
export const DeadLetterAction = z.object({
  at: Timestamp,
  action: z.enum(["replay", "resend", "supersede", "discard", "fail-again"]),
  from: DeadLetterState,
  to: DeadLetterState,
  /** null: the platform itself, when a replayed item failed again. */
  by: Actor.nullable(),
  reason: z.string().max(limits.failureChars),
  traceId: z.string().max(64).nullable(),
  /** Message that a replay sends, or that failed again. */
  messageId: z.string().max(limits.messageIdChars).nullable(),
});
export type DeadLetterAction = z.infer<typeof DeadLetterAction>;

/** Actions kept in a dead letter; all of them are in the audit trail. */
export const deadLetterActionsListed = 50;

/** The last replay. Its message id is made from the item and the number, so that sending twice is sending once. */
export const DeadLetterReplay = z.object({
  number: z.int().min(1),
  messageId: MessageId,
  at: Timestamp,
  /** Newer than the item was already on its way: nothing was sent. */
  superseded: z.boolean(),
  /** Null if sent immediately. */
  scheduledAt: Timestamp.nullable(),
  /** If it is still null after `claimedUntil`, the next replay request sends the same message again. */
  sentAt: Timestamp.nullable(),
  claimedUntil: Timestamp,
});
export type DeadLetterReplay = z.infer<typeof DeadLetterReplay>;

/** Why and what: an item (or a whole message) that only a person can help. */
export const DeadLetter = z.object({
  id: z.string().max(300),
  /** Partition key. */
  group: z.string().max(limits.nameChars),
  state: DeadLetterState,
  /** Queue (or `results`, where an agent reported it) that it came from. */
  source: z.string().max(200),
  /** `agent`, `broker` or `cloud`: who gave it up. */
  by: z.enum(["agent", "broker", "cloud"]),
  code: z.string().max(limits.codeChars),
  reason: z.string().max(limits.reasonChars),
  /** What it counts as in its cycle; `dead-lettered` when absent. */
  outcome: z.enum(["dead-lettered", "outcome-unknown"]).optional(),
  definition: z.string().max(limits.foreignNameChars).nullable(),
  target: z.string().max(limits.foreignNameChars).nullable(),
  entity: z.string().max(300).nullable(),
  itemId: z.string().max(300).nullable(),
  version: z.number().nullable(),
  messageId: z.string().max(limits.foreignNameChars).nullable(),
  cycleId: z.string().max(limits.timeSortedIdChars).nullable(),
  traceparent: z.string().max(limits.traceparentChars).nullable(),
  attempts: z.array(Attempt).max(limits.attemptsListed),
  deliveryCount: z.int().min(0),
  /** The item or message as received, as JSON text where it was JSON; cut at 64 KB. */
  payload: z.string().max(65_536),
  payloadTruncated: z.boolean(),
  /** Whether the payload is an item that the cloud sent: only then is it replayed as it stands. */
  proven: z.boolean().default(false),
  /** Of the item that was sent, where the code of its report proves it: what is made anew must be the same. */
  hash: ContentHash.optional(),
  deadLetteredAt: Timestamp,
  /** Newest last. */
  actions: z.array(DeadLetterAction).max(deadLetterActionsListed).optional(),
  replay: DeadLetterReplay.optional(),
  ttl: z.int().optional(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

const { ttl: _ttl, actions: _actions, replay: _replay, hash: _hash, ...shown } = DeadLetter.shape;

/** A dead letter as callers see it. */
export const DeadLetterView = z.strictObject({
  ...shown,
  /** `redacted`: values of the payload are replaced by their types and lengths. */
  payloadShown: z.enum(["redacted", "full"]),
  actions: z.array(DeadLetterAction).max(deadLetterActionsListed),
  replay: DeadLetterReplay.nullable(),
});
export type DeadLetterView = z.infer<typeof DeadLetterView>;

const reason = z
  .string()
  .trim()
  .min(1, { error: "say why: it is kept in the audit trail" })
  .max(500);

/** `POST /api/deadletters/{id}/replay` and `…/discard`. */
export const DeadLetterRequest = z.strictObject({ reason });
export type DeadLetterRequest = z.infer<typeof DeadLetterRequest>;

/** Dead letters that one request may act on: at 50 a second its messages are spread over 20 s. */
export const deadLettersPerRequest = 1_000;

/** Only open ones can be acted on. */
export const DeadLetterFilter = z.strictObject({
  state: z.literal("open").default("open"),
  code: z.string().min(1).max(60).optional(),
  definition: DefinitionId.optional(),
  target: TargetName.optional(),
  group: z.union([GroupName, z.literal("cloud")]).optional(),
});
export type DeadLetterFilter = z.infer<typeof DeadLetterFilter>;

/** `POST /api/deadletters/replay` and `…/discard`: by ids, or the oldest that a filter lets through. */
export const DeadLetterBatchRequest = z
  .strictObject({
    reason,
    ids: z.array(DeadLetterId).min(1).max(deadLettersPerRequest).optional(),
    filter: DeadLetterFilter.optional(),
    /** Of a filter: how many at most; 100 when absent. */
    limit: z.int().min(1).max(deadLettersPerRequest).optional(),
    /** Of a filter: `next` of the reply before, to get past what stays open. From the oldest when absent. */
    after: DeadLetterId.optional(),
    /** Say what would happen, and do nothing. */
    dryRun: z.boolean().default(false),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
    error: "name the dead letters by either ids or filter",
  })
  .refine(({ ids, limit }) => ids === undefined || limit === undefined, {
    error: "limit goes with filter",
  })
  .refine(({ ids, after }) => ids === undefined || after === undefined, {
    error: "after goes with filter",
  });
export type DeadLetterBatchRequest = z.infer<typeof DeadLetterBatchRequest>;

/** What became of one dead letter of a request. */
export const DeadLetterResult = z.strictObject({
  id: z.string(),
  outcome: z.enum([
    "replayed",
    "superseded",
    "already-replayed",
    "discarded",
    "already-discarded",
    "refused",
    "not-found",
    "failed",
  ]),
  /** Of the replay in force. */
  messageId: z.string().nullable(),
  scheduledAt: Timestamp.nullable(),
  /** Why it was refused or has failed, for a person; else null. */
  detail: z.string().nullable(),
});
export type DeadLetterResult = z.infer<typeof DeadLetterResult>;

export const DeadLetterBatchReply = z.strictObject({
  dryRun: z.boolean(),
  results: z.array(DeadLetterResult).max(deadLettersPerRequest),
  /** The filter lets more through than the limit: ask again. */
  more: z.boolean(),
  /** Where the next request goes on, as its `after`; null at the end, and of ids. Older clouds do not say. */
  next: DeadLetterId.nullable().optional(),
});
export type DeadLetterBatchReply = z.infer<typeof DeadLetterBatchReply>;
