/**
 * One round of a unit, and the verdicts of its items. A round holds each entity at most once (see `roundsOf`).
 *
 * The ledger decides first which items the target must be asked for, and decides again after a conflict. Everything
 * here is pure: the runner reads, applies and writes in between.
 */
import type { Lane } from "@postern/contracts";
import type { LedgerRecord, LedgerWrite } from "../ports/ledger";
import { type AppliedState, decideByLedger, ledgerEntryOf, triedEntryOf } from "./ledger-decision";
import type { UnitItem } from "./unit-forming";
import { leavesItsLane, type Verdict } from "./verdict";

/** An item whose state is at its target now. */
export interface Reached {
  readonly entry: UnitItem;
  readonly outcome: AppliedState["outcome"];
  /** The target was not asked: the ledger said that it holds this state already. */
  readonly byLedger: boolean;
}

/** Work left in a round after the ledger was read. */
export interface OpenWork {
  /** Items that the target must be asked for. */
  readonly toApply: readonly UnitItem[];
  /** Items whose state is at the target, but whose ledger entries are not written yet. */
  readonly reached: readonly Reached[];
}

export type LedgerRecords = ReadonlyMap<string, LedgerRecord>;

const UNDONE: Verdict = { kind: "undone" };

export class UnitRound {
  readonly items: readonly UnitItem[];
  readonly #verdicts = new Map<UnitItem, Verdict>();

  constructor(items: readonly UnitItem[]) {
    this.items = items;
  }

  get keys(): readonly string[] {
    return this.items.map(({ key }) => key);
  }

  /** `undone` until the item is concluded. */
  verdictOf(entry: UnitItem): Verdict {
    return this.#verdicts.get(entry) ?? UNDONE;
  }

  conclude(entry: UnitItem, verdict: Verdict): void {
    this.#verdicts.set(entry, verdict);
  }

  /** Concludes items that the ledger shows to be over, and returns the rest. */
  begin(records: LedgerRecords): OpenWork {
    const toApply: UnitItem[] = [];
    const reached: Reached[] = [];
    for (const entry of this.items) {
      const { verify } = entry.source;
      const decision = decideByLedger(entry.item, records.get(entry.key)?.entry, verify);
      switch (decision.kind) {
        case "superseded":
          this.conclude(entry, { kind: "done", outcome: "superseded" });
          break;
        case "recorded":
          this.conclude(entry, { kind: "done", outcome: decision.outcome });
          break;
        case "advance":
          reached.push({ entry, outcome: "unchanged", byLedger: true });
          break;
        case "apply":
          toApply.push(entry);
          break;
      }
    }
    return { toApply, reached };
  }

  /**
   * Decides again, after a conflict and with the current entries. Concludes what another agent has recorded meanwhile,
   * and returns what must still be written, or applied because the entry that called it unchanged was old.
   */
  afterConflict(reached: readonly Reached[], records: LedgerRecords): OpenWork {
    for (const entry of this.#leaving()) this.#concludeByLedger(entry, records);
    const toApply: UnitItem[] = [];
    const stillReached: Reached[] = [];
    for (const item of reached) {
      const { entry, outcome, byLedger } = item;
      const decision = decideByLedger(entry.item, records.get(entry.key)?.entry);
      if (decision.kind === "superseded" || decision.kind === "recorded") {
        const newer = decision.kind === "superseded";
        this.conclude(entry, { kind: "done", outcome: newer ? "superseded" : outcome });
      } else if (decision.kind === "apply" && byLedger) toApply.push(entry);
      else stillReached.push(item);
    }
    return { toApply, reached: stillReached };
  }

  /** The ledger entries to write: for items that were reached, and for items that leave their lane unfinished. */
  writes(
    reached: readonly Reached[],
    records: LedgerRecords,
    lane: Lane,
    wallMs: number,
  ): readonly LedgerWrite[] {
    return [
      ...reached.map((item) => reachedWrite(item, records, lane, wallMs)),
      ...this.#leaving().flatMap((entry) => triedWrite(entry, records, lane, wallMs)),
    ];
  }

  #leaving(): readonly UnitItem[] {
    return this.items.filter((entry) => leavesItsLane(this.verdictOf(entry)));
  }

  /** The target refused the item here, but another agent's write reached the target meanwhile and was recorded. */
  #concludeByLedger(entry: UnitItem, records: LedgerRecords): void {
    const decision = decideByLedger(entry.item, records.get(entry.key)?.entry);
    if (decision.kind === "superseded") {
      this.conclude(entry, { kind: "done", outcome: "superseded" });
    } else if (decision.kind === "recorded") {
      this.conclude(entry, { kind: "done", outcome: decision.outcome });
    }
  }
}

function reachedWrite(
  { entry: { item, key }, outcome }: Reached,
  records: LedgerRecords,
  lane: Lane,
  wallMs: number,
): LedgerWrite {
  const record = records.get(key);
  return {
    entry: ledgerEntryOf(item, { lane, key }, record?.entry, outcome, wallMs),
    etag: record?.etag,
  };
}

function triedWrite(
  { item, key }: UnitItem,
  records: LedgerRecords,
  lane: Lane,
  wallMs: number,
): readonly LedgerWrite[] {
  const record = records.get(key);
  const entry = triedEntryOf(item, { lane, key }, record?.entry, wallMs);
  return entry === undefined ? [] : [{ entry, etag: record?.etag }];
}
