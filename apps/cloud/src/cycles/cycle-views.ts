/**
 * Cycles as callers see them. Nothing here is counted: totals are the sums of page records and of the markers that
 * belong to them, so that no crash and no repetition can make them wrong.
 */
import {
  type Cycle,
  type CycleId,
  type CycleStall,
  type CycleView,
  type DefinitionId,
  finalOutcomes,
  limits,
  type Marker,
  type PageRecord,
  type WaitingItem,
} from "@postern/contracts";
import { openRetriesOf, waitsOf } from "./cycle-markers";
import type { SyncPorts } from "../ports/cloud-ports";

type Ports = Pick<SyncPorts, "progress" | "clock">;

export async function viewCycle(
  ports: Ports,
  definition: DefinitionId,
  cycleId: CycleId,
): Promise<CycleView | undefined> {
  const [cycle, history] = await Promise.all([
    ports.progress.cycle(definition, cycleId),
    ports.progress.history(definition, [cycleId]),
  ]);
  if (cycle === undefined) return undefined;
  const view = summarise(cycle.value, history.pages, history.markers, ports.clock.now());
  if (view.waiting === 0) return view;
  return { ...view, waitingFor: await waitingItemsOf(ports, definition, history.markers) };
}

/** What the first few waiting items wait for. Sums do not read it: it is in each marker's own list. */
async function waitingItemsOf(
  ports: Ports,
  definition: DefinitionId,
  markers: readonly Marker[],
): Promise<WaitingItem[]> {
  const newest = openRetriesOf(markers).slice(0, limits.waitingItemsShown);
  const items = await Promise.all(
    newest.map(async ({ marker: { id }, open }) => {
      const marker = await ports.progress.marker(definition, id);
      // A report asks for its retries in the order of its waiting items.
      const waiting = marker?.exceptions.filter(({ outcome }) => outcome === "waiting") ?? [];
      return open.flatMap((index) => waiting[index] ?? []);
    }),
  );
  return items
    .flat()
    .slice(0, limits.waitingItemsShown)
    .map(({ entity, code, reason = "" }) => ({
      entity,
      ...(code === undefined ? {} : { code }),
      reason,
    }));
}

export async function listCycles(
  ports: Ports,
  definition: DefinitionId,
  options: { readonly limit: number; readonly continuation?: string | undefined },
): Promise<{ items: CycleView[]; continuation: string | null }> {
  const { items, continuation } = await ports.progress.cycles(definition, options);
  if (items.length === 0) return { items: [], continuation };
  const { pages, markers } = await ports.progress.history(
    definition,
    items.map(({ cycleId }) => cycleId),
  );
  const pagesOf = Map.groupBy(pages, ({ cycleId }) => cycleId);
  const markersOf = Map.groupBy(markers, ({ cycleId }) => cycleId);
  const nowMs = ports.clock.now();
  return {
    items: items.map((cycle) =>
      summarise(cycle, pagesOf.get(cycle.cycleId) ?? [], markersOf.get(cycle.cycleId) ?? [], nowMs),
    ),
    continuation,
  };
}

/** How far a cycle has come: what page records and the markers that belong to them add up to. */
export interface CycleProgress {
  /** Every stream has reached its delta link. */
  readonly readToEnd: boolean;
  readonly completed: boolean;
  /** When a page or a result was last written; its beginning if none was. */
  readonly movedAtMs: number;
  readonly read: number;
  readonly enqueued: number;
  readonly held: number;
  readonly pending: number;
  /** Of the pending ones: retries that were asked for and have not been reported. */
  readonly retrying: number;
  /** Of the pending ones: items that no agent could read, and that have not come back since. */
  readonly parked: number;
  readonly total: (outcome: string) => number;
}

export function progressOf(
  cycle: Cycle,
  pages: readonly PageRecord[],
  markers: readonly Marker[],
): CycleProgress {
  const committed = new Set(pages.map(({ version }) => version));
  const totals = new Map<string, number>();
  let movedAtMs = Date.parse(cycle.startedAt);
  // Markers of an abandoned page do not count: its items are stale; those of its successor count.
  const counted = markers.filter(({ version }) => committed.has(version));
  for (const marker of counted) {
    movedAtMs = Math.max(movedAtMs, Date.parse(marker.at));
    for (const [outcome, count] of Object.entries(marker.counts)) {
      totals.set(outcome, (totals.get(outcome) ?? 0) + count);
    }
    for (const [outcome, count] of Object.entries(marker.withdrawn ?? {})) {
      totals.set(outcome, (totals.get(outcome) ?? 0) - count);
    }
  }
  let read = 0;
  let enqueued = 0;
  let held = 0;
  for (const page of pages) {
    read += page.read;
    enqueued += page.count;
    held += page.held;
    movedAtMs = Math.max(movedAtMs, Date.parse(page.committedAt));
  }
  const total = (outcome: string): number => Math.max(0, totals.get(outcome) ?? 0);
  let final = 0;
  for (const outcome of finalOutcomes) final += total(outcome);
  const pending = Math.max(0, enqueued - final);
  const readToEnd = Object.values(cycle.streams).every((state) => state === "done");
  const completed = readToEnd && pending === 0;
  const waits = waitsOf(counted);
  const retrying = Math.min(pending, waits.retrying);
  const parked = Math.min(pending - retrying, waits.parked);
  return {
    readToEnd,
    completed,
    movedAtMs,
    read,
    enqueued,
    held,
    pending,
    retrying,
    parked,
    total,
  };
}

export function summarise(
  cycle: Cycle,
  pages: readonly PageRecord[],
  markers: readonly Marker[],
  nowMs: number,
): CycleView {
  const progress = progressOf(cycle, pages, markers);
  const { completed, movedAtMs, total } = progress;
  const stall = completed ? null : stallInForce(cycle, pages, movedAtMs);
  return {
    id: cycle.cycleId,
    definition: cycle.definition,
    kind: cycle.kind,
    state: completed ? "completed" : stall === null ? "running" : "stalled",
    startedAt: cycle.startedAt,
    completedAt: completed ? new Date(movedAtMs).toISOString() : null,
    durationMs: Math.max(0, (completed ? movedAtMs : nowMs) - Date.parse(cycle.startedAt)),
    streams: cycle.streams,
    read: progress.read,
    enqueued: progress.enqueued,
    applied: total("applied"),
    unchanged: total("unchanged"),
    superseded: total("superseded"),
    held: progress.held + total("held"),
    deadLettered: total("dead-lettered"),
    cancelled: total("cancelled"),
    outcomeUnknown: total("outcome-unknown"),
    waiting: progress.retrying + progress.parked,
    waitingFor: [],
    pending: progress.pending,
    stall,
  };
}

/** The watch's mark, unless the cycle has moved since: the watch removes it once a minute. */
function stallInForce(
  { stall, streams }: Cycle,
  pages: readonly PageRecord[],
  movedAtMs: number,
): CycleStall | null {
  if (stall === undefined || stall === null) return null;
  const sinceMs = Date.parse(stall.since);
  if (stall.streams.length === 0) return movedAtMs > sinceMs ? null : stall;
  const moved = stall.streams.every(
    (stream) =>
      streams[stream] === "done" ||
      pages.some((page) => page.stream === stream && Date.parse(page.committedAt) > sinceMs),
  );
  return moved ? null : stall;
}
