/** The order in which the items of a batch are written. */
import { entityKey } from "@postern/contracts";
import type { PlannedItem } from "./planned-item";

/** The order in which entities claim a row: deletes first, then by version. The last one to write gets the row. */
export function byClaim(a: PlannedItem, b: PlannedItem): number {
  const rank = (item: PlannedItem): number => (item.entry.item.desired === "absent" ? 0 : 1);
  return (
    rank(a) - rank(b) ||
    a.entry.item.version - b.entry.item.version ||
    compareTexts(entityKey(a.entry.item.entity), entityKey(b.entry.item.entity))
  );
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Splits items into rounds, so that entities that claim the same row are written one after the other: deletes first,
 * then by version. The newest claimant gets the row.
 */
export function roundsOf(items: readonly PlannedItem[]): PlannedItem[][] {
  const rounds: PlannedItem[][] = [];
  const seen = new Map<string, number>();
  for (const item of items.toSorted(byClaim)) {
    const round = seen.get(item.rowKey) ?? 0;
    seen.set(item.rowKey, round + 1);
    (rounds[round] ??= []).push(item);
  }
  return rounds;
}

/**
 * Groups items by shape. Deletes come first, because they may free a value that must be unique. Rows are sorted by key,
 * so that two transactions lock them in the same order.
 */
export function groupsOf(round: readonly PlannedItem[]): PlannedItem[][] {
  const groups = new Map<string, PlannedItem[]>();
  for (const item of round) {
    const group = groups.get(item.shape);
    if (group) group.push(item);
    else groups.set(item.shape, [item]);
  }
  const isDelete = (group: readonly PlannedItem[]): boolean =>
    group[0]?.entry.item.desired === "absent";
  const all = [...groups.values()].map((group) =>
    group.toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1)),
  );
  return [...all.filter(isDelete), ...all.filter((group) => !isDelete(group))];
}
