import { z } from "zod";
import { EntityRef } from "../words/entity";
import { ItemId, Lane, Timestamp, Version } from "../words/ids";

/** What was last applied of one entity. Written with the etag that was read, never unconditionally. */
export const LedgerEntry = z.object({
  /** `entityKey(entity)` */
  id: z.string(),
  /** Partition key. */
  lane: Lane,
  entity: EntityRef,
  /** The state that the target was last known to hold; absent: it has confirmed none. */
  applied: z
    .object({
      version: Version,
      itemId: ItemId,
      hash: z.string(),
      tombstone: z.boolean(),
      targetKey: z.record(z.string(), z.unknown()),
      outcome: z.enum(["applied", "unchanged"]),
    })
    .optional(),
  /**
   * Highest version above the applied one that left its lane without an end: the target may have taken it, or may take
   * it yet. While it is here, `applied.hash` is not proof of what the target holds.
   */
  triedTo: Version.optional(),
  at: Timestamp,
});
export type LedgerEntry = z.infer<typeof LedgerEntry>;
