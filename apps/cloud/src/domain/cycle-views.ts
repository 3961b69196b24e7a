import {
  type Cycle,
  type CycleId,
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
/** A cycle in which nothing has happened for this long is called stalled. */
export const stallAfterMs = 5 * 60_000;

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

export function summarise(
  cycle: Cycle,
  pages: readonly PageRecord[],
  markers: readonly Marker[],
  nowMs: number,
): CycleView {
  const committed = new Set(pages.map(({ version }) => version));
  const totals = new Map<string, number>();
  let lastMs = Date.parse(cycle.startedAt);
  for (const marker of markers) {
    // Of a page that was abandoned: its items are stale, and its successor's count.
    if (!committed.has(marker.version)) continue;
    lastMs = Math.max(lastMs, Date.parse(marker.at));
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
    lastMs = Math.max(lastMs, Date.parse(page.committedAt));
  }
  const total = (outcome: string): number => Math.max(0, totals.get(outcome) ?? 0);
  let final = 0;
  for (const outcome of finalOutcomes) final += total(outcome);
  const pending = Math.max(0, enqueued - final);
  const readToEnd = Object.values(cycle.streams).every((state) => state === "done");
  const completed = readToEnd && pending === 0;
  const stalled = !completed && nowMs - lastMs > stallAfterMs;
  return {
    id: cycle.cycleId,
    definition: cycle.definition,
    kind: cycle.kind,
    state: completed ? "completed" : stalled ? "stalled" : "running",
    startedAt: cycle.startedAt,
    completedAt: completed ? new Date(lastMs).toISOString() : null,
    durationMs: Math.max(0, (completed ? lastMs : nowMs) - Date.parse(cycle.startedAt)),
    streams: cycle.streams,
    read,
    enqueued,
    applied: total("applied"),
    unchanged: total("unchanged"),
    superseded: total("superseded"),
    held: held + total("held"),
    deadLettered: total("dead-lettered"),
    cancelled: total("cancelled"),
    outcomeUnknown: total("outcome-unknown"),
    // An item waits once for every retry; how many wait now is at most what has no outcome.
    waiting: Math.min(pending, total("waiting")),
    pending,
  };
}
