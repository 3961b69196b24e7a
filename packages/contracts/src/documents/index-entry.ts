import { z } from "zod";
import { EntityRef } from "../words/entity";
import { Lane } from "../words/ids";
import { limits } from "../words/limits";

/**
 * What the cloud knows of one entity of one definition. Graph returns an entity in parts and omits what has not
 * changed; only this document knows the whole, and what was ever sent.
 */
export const IndexEntry = z.object({
  /** `entityKey(entity)` */
  id: z.string(),
  /** Partition key. */
  lane: Lane,
  entity: EntityRef,
  /**
   * Why the source's last report of it could not be read. What `source` holds is older; it is read whole the next time
   * that the source reports it.
   */
  unread: z.string().max(limits.failureChars).optional(),
  /** Merged source properties: absent = never seen, null = cleared. */
  source: z.record(z.string(), z.unknown()),
  /** Whether the source has it: false after `@removed`. */
  exists: z.boolean(),
  /** Reason of the removal: `changed` can be restored, `deleted` cannot. */
  removed: z.enum(["changed", "deleted"]).optional(),
  inScope: z.boolean(),
  /** Set before the first enqueue: only an entity ever sent may be deleted at the target. */
  sent: z.boolean(),
  /** Desired state that was last enqueued: absent when it never was. */
  desired: z.enum(["present", "absent"]).optional(),
  /** Key at the target that was last enqueued: a delete needs it after the source has gone. */
  targetKey: z.record(z.string(), z.unknown()).optional(),
  /** Mapped attributes the breaker watches (`enabled`), as last enqueued. */
  watched: z.record(z.string(), z.unknown()).optional(),
  version: z.int().min(0),
  generation: z.int().min(0),
  /** For a membership: its two ends, so that either can be looked up. */
  groupId: z.string().optional(),
  memberId: z.string().optional(),
  /** Version of the item that the breaker holds: the target still has what was there before. */
  held: z.int().min(0).optional(),
  /** During a resync: source properties known before and not seen again yet. Cleared at its end. */
  unseen: z.array(z.string()).optional(),
  /**
   * Version of the sweep that found it gone, or without some of its properties, at the end of a resync. Stays until
   * that sweep is known to be committed: one that was abandoned would not find it again.
   */
  swept: z.int().min(0).optional(),
  /**
   * It came or went, and its memberships follow. `until-committed`: settled if the page of this entry's version has
   * been committed; an abandoned page, read again, finds nothing changed any more, and may not even show this entity
   * again. `once-more`: owed to the next page that touches it, whatever was committed.
   */
  follow: z.enum(["until-committed", "once-more"]).optional(),
});
export type IndexEntry = z.infer<typeof IndexEntry>;
