import type { DeadLetter, Marker, MessageId, OutcomeCounts } from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import { isRetryId } from "../../work/item-message-ids";
import { type MarkerPlace, markerOf } from "../../cycles/message-marker";
import type { SyncPorts } from "../../ports/cloud-ports";
import { reopenCycles } from "../../cycles/reopen-cycle";
import { replayOf } from "./replay-id";

const PARALLEL = 16;

/** Takes back the outcome that was counted when the item failed. Made again, it changes nothing. */
export function withdrawalOf(
  letter: Pick<DeadLetter, "outcome">,
  messageId: MessageId,
  place: MarkerPlace,
  nowMs: number,
): Marker {
  const withdrawn = { [letter.outcome ?? "dead-lettered"]: 1 };
  return { ...markerOf(`${messageId}.withdrawn`, messageId, place, {}, nowMs), withdrawn };
}

/** The very marker that an agent's answer would have made: whoever comes first counts. */
export function endOf(
  messageId: MessageId,
  place: MarkerPlace,
  counts: OutcomeCounts,
  nowMs: number,
): Marker {
  return markerOf(messageId, messageId, place, counts, nowMs);
}

/** A message of one item that has come to an end, or waits. */
export interface ReportedItem extends MarkerPlace {
  readonly workMessageId: string;
  readonly itemId: string;
}

/**
 * An agent's answer may come before the request that sent the replay has counted it as begun, or after that request has ended
 * on the way: who tells the end sees to the beginning first.
 */
export async function countBegun(
  ports: Pick<SyncPorts, "deadLetters" | "progress" | "clock">,
  reported: readonly ReportedItem[],
): Promise<void> {
  // A retry comes after the report that asked for it, and that one has seen to it.
  const first = reported.filter(({ workMessageId }) => !isRetryId(workMessageId));
  const markers: Marker[] = [];
  await inParallel(first, PARALLEL, async ({ workMessageId, itemId, ...of }) => {
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
