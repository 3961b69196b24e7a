import type { Lane, LedgerEntry, WorkItem } from "@postern/contracts";
import { timestamp } from "@postern/runtime";

export type AppliedState = NonNullable<LedgerEntry["applied"]>;

/**
 * What the ledger says about an item before the target is asked:
 * - `superseded`: a newer version was applied.
 * - `recorded`: this very version was applied; its outcome is reported again.
 * - `advance`: the target has this state already; only the entry changes.
 * - `apply`: the target must be asked.
 *
 * With `verify`, the ledger's word about the target's state does not count: somebody may have restored or changed it.
 */
export type LedgerDecision =
  | { readonly kind: "superseded" }
  | { readonly kind: "recorded"; readonly outcome: AppliedState["outcome"] }
  | { readonly kind: "advance" }
  | { readonly kind: "apply" };

export function decideByLedger(
  item: WorkItem,
  entry: LedgerEntry | undefined,
  verify = false,
): LedgerDecision {
  const applied = entry?.applied;
  if (applied !== undefined && applied.version >= item.version) {
    if (applied.version > item.version) return { kind: "superseded" };
    return { kind: "recorded", outcome: applied.outcome };
  }
  const same = !verify && applied?.hash === item.hash && entry?.triedTo === undefined;
  return { kind: same ? "advance" : "apply" };
}

interface Place {
  readonly lane: Lane;
  readonly key: string;
}

/**
 * The entry that records an item's state as applied. A higher version that was tried may still reach the target: only a
 * confirmation by the target since then rules that out.
 */
export function ledgerEntryOf(
  item: WorkItem,
  place: Place,
  before: LedgerEntry | undefined,
  outcome: AppliedState["outcome"],
  wallMs: number,
): LedgerEntry {
  const { itemId, version, hash, key: targetKey } = item;
  const triedTo = before?.triedTo;
  return {
    id: place.key,
    lane: place.lane,
    entity: item.entity,
    applied: { version, itemId, hash, tombstone: item.desired === "absent", targetKey, outcome },
    ...(triedTo === undefined || triedTo <= version ? {} : { triedTo }),
    at: timestamp(wallMs),
  };
}

/**
 * The entry after an item has left its lane's order, to wait or permanently. An agent that held the lane before may
 * have tried it, and a write that was pending when the lane was lost can reach the target much later.
 *
 * @returns undefined when the entry covers it already: a newer version was applied, or one at least as high was noted
 * as tried
 */
export function triedEntryOf(
  item: WorkItem,
  place: Place,
  before: LedgerEntry | undefined,
  wallMs: number,
): LedgerEntry | undefined {
  const known = before?.triedTo ?? before?.applied?.version;
  if (known !== undefined && known >= item.version) return undefined;
  return {
    ...(before ?? { id: place.key, lane: place.lane, entity: item.entity }),
    triedTo: item.version,
    at: timestamp(wallMs),
  };
}
