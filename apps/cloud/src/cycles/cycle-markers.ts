import type { Marker } from "@postern/contracts";

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

/** Markers whose reports asked for retries that are not over, newest first, with the places of those waiting items. */
export function openRetriesOf(
  markers: readonly Marker[],
): { readonly marker: Marker; readonly open: readonly number[] }[] {
  const reported = new Set<string>(markers.map(({ workMessageId }) => workMessageId));
  return markers
    .flatMap((marker) => {
      const open = (marker.retries ?? []).flatMap((id, index) => (reported.has(id) ? [] : [index]));
      return open.length === 0 ? [] : [{ marker, open }];
    })
    .toSorted((a, b) => Date.parse(b.marker.at) - Date.parse(a.marker.at));
}

function sentAgainAs(workMessageId: string): string {
  const before = Number(SENT_AGAIN.exec(workMessageId)?.[1] ?? "0");
  return `${workMessageId.replace(SENT_AGAIN, "")}~p${before + 1}`;
}
