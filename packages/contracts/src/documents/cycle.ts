import { z } from "zod";
import { CycleStall } from "./cycle-stall";
import { StreamName, EntityRef } from "../words/entity";
import { CycleId, DefinitionId, MessageId, Timestamp, Version, JobId } from "../words/ids";
import { limits } from "../words/limits";
import { ItemOutcome, OutcomeCounts } from "../words/outcome";
import { defineStateModel } from "../words/state-model";

export const CycleKind = z.enum(["initial", "incremental", "resync", "on-demand"]);
export type CycleKind = z.infer<typeof CycleKind>;

export const CycleState = z.enum(["running", "completed", "stalled"]);
export type CycleState = z.infer<typeof CycleState>;

export const cycleModel = defineStateModel({
  name: "cycle",
  initial: "running",
  states: ["running", "stalled", "completed"],
  transitions: [
    { from: "running", on: "nothing-moves", to: "stalled" },
    { from: "stalled", on: "moves-again", to: "running" },
    { from: "running", on: "all-final", to: "completed" },
    { from: "stalled", on: "all-final", to: "completed" },
  ],
});

/** A cycle as it is stored. Its counts are the sums of its page records and markers: see docs/architecture.md. */
export const Cycle = z.object({
  /** `cycle:ID` */
  id: z.string(),
  type: z.literal("cycle"),
  definition: DefinitionId,
  cycleId: CycleId,
  kind: CycleKind,
  startedAt: Timestamp,
  /** Streams that take part, and whether each has reached its delta link. */
  streams: z.partialRecord(StreamName, z.enum(["running", "done"])),
  jobId: JobId.optional(),
  /** Of an on-demand cycle that no job looks after: what it reads, so that the cycle watch can ask for it again. */
  entities: z.array(EntityRef).min(1).max(limits.entitiesPerJob).optional(),
  /** Set while nothing moves. */
  stall: CycleStall.nullish(),
  /**
   * When the cycle watch found every item with its final outcome: it looks at the cycle no more. A later page, release
   * or replay takes it away. Null or absent: open.
   */
  closedAt: Timestamp.nullish(),
  ttl: z.int().optional(),
});
export type Cycle = z.infer<typeof Cycle>;

/**
 * That a work message's results have been counted, and what they were. Its existence is the idempotency check, and its
 * counts are what a cycle's totals are summed from, so counting twice is impossible.
 */
export const Marker = z.object({
  /** `marker:WORK_MESSAGE_ID` with characters that Cosmos refuses replaced. */
  id: z.string(),
  type: z.literal("marker"),
  definition: DefinitionId,
  cycleId: CycleId,
  jobId: JobId.optional(),
  workMessageId: MessageId,
  version: Version,
  counts: OutcomeCounts,
  /** What earlier markers counted and a replay has taken back: subtracted in the sum. */
  withdrawn: OutcomeCounts.optional(),
  /**
   * Which report counts, `AGENT@TIME#DIGEST`: another of the same message changes nothing, nor does one of the same
   * agent and time that says something else. Absent where no agent reported.
   */
  report: z
    .string()
    .max(limits.nameChars + 80)
    .optional(),
  /** Work messages of the retries that this report asked for. */
  retries: z.array(MessageId).optional(),
  at: Timestamp,
  /** Items that ended in anything but applied, unchanged or superseded. */
  exceptions: z.array(
    z.object({
      entity: EntityRef,
      version: Version,
      outcome: ItemOutcome,
      code: z.string().optional(),
      reason: z.string().optional(),
    }),
  ),
  ttl: z.int().optional(),
});
export type Marker = z.infer<typeof Marker>;

/** An item that waits for a retry, and for what: the target's own words, without a value. */
export const WaitingItem = z.strictObject({
  entity: EntityRef,
  code: z.string().max(limits.codeChars).optional(),
  reason: z.string().max(limits.reasonChars),
});
export type WaitingItem = z.infer<typeof WaitingItem>;

/** A cycle as callers see it. */
export const CycleView = z.strictObject({
  id: CycleId,
  definition: DefinitionId,
  kind: CycleKind,
  state: CycleState,
  startedAt: Timestamp,
  /** When its last item became final; null while running. */
  completedAt: Timestamp.nullable(),
  durationMs: z.int().min(0),
  streams: z.partialRecord(StreamName, z.enum(["running", "done"])),
  /** Graph objects read. */
  read: z.int().min(0),
  /** Work items accepted by the queues. */
  enqueued: z.int().min(0),
  applied: z.int().min(0),
  unchanged: z.int().min(0),
  superseded: z.int().min(0),
  held: z.int().min(0),
  deadLettered: z.int().min(0),
  cancelled: z.int().min(0),
  outcomeUnknown: z.int().min(0),
  waiting: z.int().min(0),
  /** A few of the waiting items, where a single cycle is asked for. A cloud that is older does not say. */
  waitingFor: z.array(WaitingItem).max(limits.waitingItemsShown).default([]),
  /** Items without an outcome yet. */
  pending: z.int().min(0),
  /** While the state is `stalled`: since when, why, and what is done about it. A cloud that is older does not say. */
  stall: CycleStall.nullable().default(null),
});
export type CycleView = z.infer<typeof CycleView>;
