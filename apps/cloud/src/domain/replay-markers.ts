import {
  type CycleId,
  type DeadLetter,
  type DefinitionId,
  historyTtlSeconds,
  type Marker,
  type MessageId,
  type OutcomeCounts,
  type Version,
} from "@postern/contracts";
import { bounded } from "./bounded";
import { markerId } from "./page-commit";
import type { SyncPorts } from "./ports";
import { reopenCycles } from "./reopen-cycle";
import { replayOf } from "./replay-id";

const PARALLEL = 16;
/** Of a work message that is the retry of one item (see the results' consumer). */
const RETRY_ID = /~[0-9a-f]{16}#\d+$/;

/** Where a replay counts (ADR 0006). */
export interface ReplayPlace {
  readonly definition: DefinitionId;
  readonly cycleId: CycleId;
  readonly version: Version;
}

/** Takes back the outcome that was counted when the item failed. Made again, it changes nothing. */
export function withdrawalOf(
  letter: Pick<DeadLetter, "outcome">,
  messageId: MessageId,
  place: ReplayPlace,
  nowMs: number,
): Marker {
  const withdrawn = { [letter.outcome ?? "dead-lettered"]: 1 };
  return { ...markerOf(`${messageId}.withdrawn`, messageId, place, {}, nowMs), withdrawn };
}

/** The very marker that an agent's answer would have made: whoever comes first counts. */
export function endOf(
  messageId: MessageId,
  place: ReplayPlace,
  counts: OutcomeCounts,
  nowMs: number,
): Marker {
  return markerOf(messageId, messageId, place, counts, nowMs);
}

function markerOf(
  id: string,
  workMessageId: MessageId,
  { definition, cycleId, version }: ReplayPlace,
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

/** A message of one item that has come to an end, or waits. */
export interface ReplayTold extends ReplayPlace {
  readonly workMessageId: string;
  readonly itemId: string;
}

/**
 * An agent's answer may come before the request that sent the replay has counted it as begun, or after that request has ended
 * on the way: who tells the end sees to the beginning first.
 */
export async function countBegun(
  ports: Pick<SyncPorts, "deadLetters" | "progress" | "clock">,
  told: readonly ReplayTold[],
): Promise<void> {
  // A retry comes after the report that asked for it, and that one has seen to it.
  const first = told.filter(({ workMessageId }) => !RETRY_ID.test(workMessageId));
  const markers: Marker[] = [];
  await bounded(first, PARALLEL, async ({ workMessageId, itemId, ...of }) => {
    const begun = replayOf(workMessageId);
    if (begun === undefined) return;
    const stored = await ports.deadLetters.replayed(itemId, begun.messageId);
    const replay = stored?.value.replay;
    if (stored === undefined || replay === undefined) return;
    if (replay.messageId !== begun.messageId || replay.sentAt !== null) return;
    markers.push(withdrawalOf(stored.value, replay.messageId, of, ports.clock.now()));
  });
  if (markers.length === 0) return;
  await ports.progress.createMarkers(markers);
  for (const [definition, ofDefinition] of Map.groupBy(markers, (marker) => marker.definition)) {
    await reopenCycles(
      ports,
      definition,
      ofDefinition.map(({ cycleId }) => cycleId),
    );
  }
}
