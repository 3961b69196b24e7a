import type { DeadLetter, Marker, MessageId, OutcomeCounts } from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import { isRetryId } from "../../work/item-message-ids";
import { type MarkerPlace, markerOf } from "../../cycles/message-marker";
import type { SyncPorts } from "../../ports/cloud-ports";
import { reopenCycles } from "../../cycles/reopen-cycle";
import { replayOf } from "./replay-id";

const PARALLEL = 16;

/** Withdraws the outcome that was counted when the item failed. Creating it again changes nothing. */
export function withdrawalOf(
  letter: Pick<DeadLetter, "outcome">,
  messageId: MessageId,
  place: MarkerPlace,
  nowMs: number,
): Marker {
  const withdrawn = { [letter.outcome ?? "dead-lettered"]: 1 };
  return { ...markerOf(`${messageId}.withdrawn`, messageId, place, {}, nowMs), withdrawn };
}

/** The same marker that an agent's report would have created: the first of the two counts. */
export function endOf(
  messageId: MessageId,
  place: MarkerPlace,
  counts: OutcomeCounts,
  nowMs: number,
): Marker {
  return markerOf(messageId, messageId, place, counts, nowMs);
}

/** An item of a work message that an agent has reported. */
export interface ReportedItem extends MarkerPlace {
  readonly workMessageId: string;
  readonly itemId: string;
}

/**
 * An agent's report may arrive before the request that sent the replay has counted it as started, or after that request
 * has failed half-way: before an outcome is counted, the start is.
 */
export async function countBegun(
  ports: Pick<SyncPorts, "deadLetters" | "progress" | "clock">,
  reported: readonly ReportedItem[],
): Promise<void> {
  // A retry follows the report that asked for it, for which this was done already.
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
