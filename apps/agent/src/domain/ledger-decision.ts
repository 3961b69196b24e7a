import type { Lane, LedgerEntry, WorkItem } from "@postern/contracts";

/**
 * What the ledger says about an item before its target is asked:
 * - `superseded`: a newer version was applied.
 * - `recorded`: this very version was applied; its outcome is reported again.
 * - `advance`: the target holds this state already; only the entry moves on.
 * - `apply`: the target is to be asked.
 */
export type LedgerDecision =
  | { readonly kind: "superseded" }
  | { readonly kind: "recorded"; readonly outcome: LedgerEntry["outcome"] }
  | { readonly kind: "advance" }
  | { readonly kind: "apply" };

export function decideByLedger(item: WorkItem, entry: LedgerEntry | undefined): LedgerDecision {
  if (entry === undefined || entry.version < item.version) {
    const same = entry?.hash === item.hash && entry.doubt !== true;
    return same ? { kind: "advance" } : { kind: "apply" };
  }
  if (entry.version > item.version) return { kind: "superseded" };
  return { kind: "recorded", outcome: entry.outcome };
}

/** The entry after a try of a later version of which nobody knows what came. */
export function inDoubt(entry: LedgerEntry): LedgerEntry {
  return { ...entry, doubt: true };
}

/** The entry that says an item's state is at its target. */
export function ledgerEntryOf(
  item: WorkItem,
  place: { readonly lane: Lane; readonly key: string },
  outcome: LedgerEntry["outcome"],
  wallMs: number,
): LedgerEntry {
  return {
    id: place.key,
    lane: place.lane,
    entity: item.entity,
    version: item.version,
    itemId: item.itemId,
    hash: item.hash,
    tombstone: item.desired === "absent",
    targetKey: item.key,
    outcome,
    at: stamp(wallMs),
  };
}

export function stamp(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
