import { z } from "zod";
import { WorkItem } from "../messages/work-message";
import { StreamName } from "../words/entity";
import { entityKey } from "../words/entity-key";
import { CycleId, DefinitionId, Timestamp } from "../words/ids";
import { limits } from "../words/limits";

/**
 * An item that the delete breaker keeps back until a person releases it. It keeps its version on release.
 *
 * It counts while the index entry of its entity says `held` with this version: written before the entry, it is never
 * missing; one that a newer item or an abandoned page has left behind is passed over.
 */
export const Hold = z.object({
  /** `holdId(item)` */
  id: z.string(),
  /** Partition key. */
  definition: DefinitionId,
  stream: StreamName,
  cycleId: CycleId,
  item: WorkItem,
  /** `delete` or the disabled attribute. */
  cause: z.string().max(200),
  reason: z.string().max(limits.failureChars),
  heldAt: Timestamp,
});
export type Hold = z.infer<typeof Hold>;

/** A hold's id as a caller may give it: any text that Cosmos takes for an id. */
export const HoldId = z
  .string()
  .max(300)
  .regex(/^[^/\\?#\s\p{Cc}\p{Cs}]+$/u, {
    error: "is no id of a hold: must not be empty or hold / \\ ? # or white space",
  })
  // Either would be taken for a step within the path that leads to the document.
  .refine((id) => id !== "." && id !== "..", { error: "is no id of a hold" });

/** `user:ID@VERSION`: what a person has looked at is released, never what has come since. */
export function holdId({ entity, version }: Pick<WorkItem, "entity" | "version">): string {
  return `${entityKey(entity)}@${version}`;
}
