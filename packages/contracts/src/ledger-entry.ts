import { z } from "zod";
import { EntityRef } from "./entity";
import { ItemId, Lane, Timestamp, Version } from "./ids";

/** What was last applied of one entity. Written with the etag that was read, never unconditionally. */
export const LedgerEntry = z.object({
  /** `entityKey(entity)` */
  id: z.string(),
  /** Partition key. */
  lane: Lane,
  entity: EntityRef,
  /** Version of the state that the target now holds. */
  version: Version,
  itemId: ItemId,
  hash: z.string(),
  /** A later version was tried and nobody knows whether the target took it: `hash` may not be what it holds. */
  doubt: z.boolean().optional(),
  tombstone: z.boolean(),
  targetKey: z.record(z.string(), z.unknown()),
  outcome: z.enum(["applied", "unchanged"]),
  at: Timestamp,
});
export type LedgerEntry = z.infer<typeof LedgerEntry>;
