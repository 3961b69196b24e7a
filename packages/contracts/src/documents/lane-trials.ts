import { z } from "zod";
import { AgentId, ItemId, Lane, Timestamp } from "../words/ids";
import { limits } from "../words/limits";

/** One item's tries on its own, of which the last may still be going on. */
export const ItemTrial = z.object({
  itemId: ItemId,
  /** The last one included. */
  times: z.int().min(1),
  /** Process that made the last one: one that finds its own name knows that it has not ended. */
  process: z.string().max(limits.nameChars + 40),
});
export type ItemTrial = z.infer<typeof ItemTrial>;

/**
 * Which items of a lane were being applied on their own, and how often. Written before the item is applied, so that a
 * process that ends leaves word of what it was doing. Beside the lane's ledger entries, whose ids hold a colon.
 */
export const laneTrialsId = "trials";
export const LaneTrials = z.object({
  id: z.literal(laneTrialsId),
  /** Partition key. */
  lane: Lane,
  agent: AgentId,
  /** Process that is applying a whole unit of the lane while nothing else runs; absent once it has finished. */
  unit: z
    .string()
    .max(limits.nameChars + 40)
    .optional(),
  trials: z.array(ItemTrial).max(limits.itemsPerMessage),
  at: Timestamp,
});
export type LaneTrials = z.infer<typeof LaneTrials>;

/** How the last processes of an agent ended, in a separate partition. */
export const processRecordId = "process";
export const ProcessRecord = z.object({
  id: z.literal(processRecordId),
  /** Partition key: `agent:ID`. */
  lane: z.string().max(limits.nameChars + 10),
  /** The process that works, or worked and has not said that it ends; null after one that has. */
  process: z
    .string()
    .max(limits.nameChars + 40)
    .nullable(),
  /** Processes before it, in a row, that did not say so. */
  unclean: z.int().min(0),
  at: Timestamp,
});
export type ProcessRecord = z.infer<typeof ProcessRecord>;
