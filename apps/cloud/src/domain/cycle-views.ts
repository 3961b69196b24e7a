import {
  type Cycle,
  type CycleId,
  type CycleStall,
  type CycleView,
  type DefinitionId,
  finalOutcomes,
  type Marker,
  type PageRecord,
  type SyncView,
} from "@postern/contracts";
import { compileDefinition } from "./compiled-definition";
import type { DefinitionRecord, Stored, SyncPorts } from "./ports";

/**
 * Cycles as callers see them. Nothing here is counted: totals are the sums of page records and of the markers that belong
 * to them, so that no crash and no repetition can make them wrong.
 */
const RECENT_CYCLES = 20;

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
  return summarise(cycle.value, history.pages, history.markers, ports.clock.now());
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

/** Where a definition stands: in step when every stream is at a delta link and no recent cycle waits for an outcome. */
export async function viewSync(
  ports: Pick<SyncPorts, "progress" | "clock" | "holds">,
  record: Stored<DefinitionRecord>,
): Promise<SyncView> {
  const { definition } = record.value;
  const { streams } = compileDefinition(definition);
  const [checkpoints, cycles, heldItems] = await Promise.all([
    Promise.all(streams.map((stream) => ports.progress.checkpoint(definition.id, stream))),
    listCycles(ports, definition.id, { limit: RECENT_CYCLES }),
    ports.holds.count(definition.id),
  ]);
  return {
    definition,
    etag: record.etag,
    lastCycle: cycles.items[0] ?? null,
    inStep:
      !record.value.resyncDue &&
      checkpoints.every((checkpoint) => checkpoint?.value.phase === "settled") &&
      cycles.items.every(({ state }) => state === "completed"),
    heldItems,
  };
}

/** Of a work message that is the retry of one item (see the results' consumer). */
const RETRY_ID = /~[0-9a-f]{16}#\d+$/;

/**
 * An agent that has lost its lane without knowing may report a message that its successor has reported too, and ask for
 * retries. The first report has the marker; retries that only the other one asked for are the same items once more.
 */
function countedMarkers(markers: readonly Marker[]): Marker[] {
  const counted = markers.filter(({ workMessageId }) => !RETRY_ID.test(workMessageId));
  const retries = new Map(
    markers
      .filter(({ workMessageId }) => RETRY_ID.test(workMessageId))
      .map((marker) => [marker.workMessageId, marker]),
  );
  // The list grows while it is walked: a retry may have asked for the next.
  for (const { retries: asked } of counted) {
    for (const messageId of asked ?? []) {
      const retry = retries.get(messageId);
      if (retry !== undefined && retries.delete(messageId)) counted.push(retry);
    }
  }
  return counted;
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
  /** How many items wait for a retry, at most: an item waits once for every retry. */
  readonly waiting: number;
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
  for (const marker of countedMarkers(markers)) {
    // Of a page that was abandoned: its items are stale, and its successor's count.
    if (!committed.has(marker.version)) continue;
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
  const waiting = Math.min(pending, total("waiting"));
  const completed = readToEnd && pending === 0;
  return { readToEnd, completed, movedAtMs, read, enqueued, held, pending, waiting, total };
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
    waiting: progress.waiting,
    pending: progress.pending,
    stall,
  };
}

/** The watch's mark, unless something has moved since: it comes by to take it away once a minute. */
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
