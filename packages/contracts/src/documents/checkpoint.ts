/** Everything of one definition's progress lives in one logical partition: `definition`. */
import { z } from "zod";
import { StreamName } from "../words/entity";
import { CycleId, DefinitionId, Timestamp, Version } from "../words/ids";
import { limits } from "../words/limits";

/** Where a stream stands, and who may move it. */
export const Checkpoint = z.object({
  /** `checkpoint:STREAM` */
  id: z.string(),
  type: z.literal("checkpoint"),
  definition: DefinitionId,
  stream: StreamName,
  /** Next or delta link, whole and opaque; null before the first page. */
  link: z.string().max(limits.linkChars).nullable(),
  /** `enumerating` on the way to a delta link, `settled` at one. */
  phase: z.enum(["enumerating", "settled"]),
  /** Pages committed so far; a continuation names the next one. */
  page: z.int().min(0),
  /** Fencing token of the claim in force, or of the last one. */
  version: z.int().min(0),
  /** Who holds the claim; null when it is free. */
  owner: z.string().max(limits.instanceChars).nullable(),
  leaseUntil: Timestamp.nullable(),
  /** Since when the source refuses to be read, and in which words; a page that is committed takes it away. */
  refusal: z.object({ since: Timestamp, message: z.string().max(limits.reasonChars) }).nullish(),
  /** Cycle of the running enumeration. */
  cycleId: CycleId.nullable(),
  /** Enumeration from scratch: entities left in an older generation at its end are delete candidates. */
  generation: z.int().min(0),
  /**
   * Version of the page with which the stream last came to a delta link; absent before the first. What a page after
   * that has found gone and never committed a new enumeration does not show either; only its end can tell.
   */
  comparedFrom: z.int().min(0).optional(),
  /** When Graph was last asked: ticks before it need not ask again. */
  polledAt: Timestamp.nullable(),
});
export type Checkpoint = z.infer<typeof Checkpoint>;

export function checkpointId(stream: StreamName): string {
  return `checkpoint:${stream}`;
}

/** The definition's one counter of versions, and what its delete breaker counts against. */
export const DefinitionCounter = z.object({
  id: z.literal("counter"),
  type: z.literal("counter"),
  definition: DefinitionId,
  /** Last version given out. Starts at Unix milliseconds. */
  version: z.int().min(1),
  /** Entities marked sent, of all types. */
  sent: z.int(),
  /** Deletes and disables released, by hour (`2026-01-31T07`): the sliding window is their sum. */
  deletesByHour: z.record(z.string(), z.int().min(0)),
});
export type DefinitionCounter = z.infer<typeof DefinitionCounter>;

/** A committed page: its items count towards the cycle, those of an abandoned page do not. */
export const PageRecord = z.object({
  /** `page:VERSION` */
  id: z.string(),
  type: z.literal("page"),
  definition: DefinitionId,
  stream: StreamName,
  cycleId: CycleId,
  version: Version,
  /** Entities read. */
  read: z.int().min(0),
  /** Items accepted by the queue. */
  count: z.int().min(0),
  /** Items put on hold by the breaker. */
  held: z.int().min(0),
  committedAt: Timestamp,
  ttl: z.int().optional(),
});
export type PageRecord = z.infer<typeof PageRecord>;
