import {
  type CycleId,
  type DefinitionId,
  historyTtlSeconds,
  type Marker,
  type MessageId,
  type OutcomeCounts,
  type Version,
} from "@postern/contracts";
import { ServiceUnavailable } from "@postern/runtime";
import type { SyncPorts } from "../ports/cloud-ports";
import { markerId } from "./document-ids";

/** Where what became of a work message counts. */
export interface MarkerPlace {
  readonly definition: DefinitionId;
  readonly cycleId: CycleId;
  readonly version: Version;
}

/** A marker without exceptions. `id`: the work message's, or one made from it where that is for its results. */
export function markerOf(
  id: string,
  workMessageId: MessageId,
  { definition, cycleId, version }: MarkerPlace,
  counts: OutcomeCounts,
  nowMs: number,
): Marker {
  return {
    id: markerId(id),
    type: "marker",
    definition,
    cycleId,
    workMessageId,
    version,
    counts,
    at: new Date(nowMs).toISOString(),
    exceptions: [],
    ttl: historyTtlSeconds,
  };
}

/**
 * Of a marker that could not be created as one exists: whether that one is of the same report, which has come again
 * (ADR 0010).
 *
 * @throws ServiceUnavailable when it cannot be read
 */
export async function isCountedReport(
  { progress }: Pick<SyncPorts, "progress">,
  marker: Marker,
): Promise<boolean> {
  const there = await progress.marker(marker.definition, marker.id);
  if (there === undefined) {
    throw new ServiceUnavailable("cosmos", `marker ${marker.id} exists and cannot be read`);
  }
  return there.report === marker.report;
}
