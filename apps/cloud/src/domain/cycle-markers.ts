import type { Marker } from "@postern/contracts";

/** Of a work message that is the retry of one item (see the results' consumer). */
const RETRY_ID = /~[0-9a-f]{16}#\d+$/;

/**
 * An agent that has lost its lane without knowing may report a message that its successor has reported too, and ask for
 * retries. The first report has the marker; retries that only the other one asked for are the same items once more.
 */
export function countedMarkers(markers: readonly Marker[]): Marker[] {
  const counted = markers.filter(({ workMessageId }) => !RETRY_ID.test(workMessageId));
  // A retry may have two: it was parked, and reported by an agent that had read it after all.
  const retries = Map.groupBy(
    markers.filter(({ workMessageId }) => RETRY_ID.test(workMessageId)),
    ({ workMessageId }) => workMessageId,
  );
  // The list grows while it is walked: a retry may have asked for the next.
  for (const { retries: asked } of counted) {
    for (const messageId of asked ?? []) {
      const ofRetry = retries.get(messageId) ?? [];
      retries.delete(messageId);
      counted.push(...ofRetry);
    }
  }
  return counted;
}

/** `~p2`: sent again for the second time after it was parked (see the parked messages). */
const PARKED_ID = /:parked$/;
const SENT_AGAIN = /~p(\d{1,4})$/;

/** How many items wait, and for what: each item once, however often it has waited. */
export function waitsOf(counted: readonly Marker[]): { retrying: number; parked: number } {
  const reported = new Set<string>(counted.map(({ workMessageId }) => workMessageId));
  let retrying = 0;
  let parked = 0;
  for (const { id, workMessageId, retries, counts } of counted) {
    for (const asked of retries ?? []) if (!reported.has(asked)) retrying += 1;
    if (!PARKED_ID.test(id) || reported.has(sentAgainAs(workMessageId))) continue;
    parked += counts.waiting ?? 0;
  }
  return { retrying, parked };
}

function sentAgainAs(workMessageId: string): string {
  const before = Number(SENT_AGAIN.exec(workMessageId)?.[1] ?? "0");
  return `${workMessageId.replace(SENT_AGAIN, "")}~p${before + 1}`;
}
