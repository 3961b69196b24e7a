import { z } from "zod";
import { DefinitionId, Timestamp } from "./ids";
import { WorkItem } from "./work-message";
import { StreamName } from "./entity";
import { CycleId } from "./ids";

/** An item that the delete breaker keeps back until a person releases it. It keeps its version on release. */
export const Hold = z.object({
  /** `entityKey(entity)`: a newer item of the same entity replaces or withdraws it. */
  id: z.string(),
  /** Partition key. */
  definition: DefinitionId,
  stream: StreamName,
  cycleId: CycleId,
  item: WorkItem,
  /** `delete` or the disabled attribute. */
  cause: z.string().max(100),
  reason: z.string().max(500),
  heldAt: Timestamp,
});
export type Hold = z.infer<typeof Hold>;
