import { z } from "zod";
import { EntityRef, StreamName } from "../words/entity";
import { CycleId, DefinitionId, JobId, Timestamp } from "../words/ids";
import { limits } from "../words/limits";

export const START_MESSAGE_TYPE = "postern.sync.start.v1";

/** Asks for a page run of one stream. Session id = `DEFINITION/STREAM`, so that one stream runs one page at a time. */
export const StartMessage = z.object({
  definition: DefinitionId,
  stream: StreamName,
  /** The tick (or request) that asked: a stream polled since then has nothing to do. */
  tick: Timestamp,
  /** Cycle to open if the stream stands at a delta link. */
  cycleId: CycleId,
  reason: z.enum(["timer", "request", "continuation", "retry", "on-demand", "watchdog"]),
  /** Page that a continuation names: if the checkpoint has moved on, its current page is asked for instead. */
  page: z.int().min(0).optional(),
  /** On-demand work: read these entities instead of a page. */
  onDemand: z
    .object({
      jobId: JobId,
      entities: z.array(EntityRef).min(1).max(limits.entitiesPerJob),
      verify: z.boolean().optional(),
    })
    .optional(),
});
export type StartMessage = z.infer<typeof StartMessage>;

export function startSession(definition: DefinitionId, stream: StreamName): string {
  return `${definition}/${stream}`;
}
