import type { AppliedState } from "./ledger-decision";
import { decideByLedger, ledgerEntryOf, triedEntryOf } from "./ledger-decision";
import { type Clock, OutageError } from "@postern/runtime";
import type { Ledger, LedgerRecord, LedgerWrite } from "../ports/ledger";
import type { UnitItem } from "./unit-forming";
import { agentPoint } from "@postern/contracts";
import { assertHeld } from "./lane-hold";
import { conclude, leaving, type RoundState } from "./round-state";

/** Conflicts on a lane that only one agent holds are rare; more than this in a row is a fault elsewhere. */
const MOST_CONFLICTS = 8;

/** An item whose state is at its target now. */
export interface Reached {
  readonly entry: UnitItem;
  readonly outcome: AppliedState["outcome"];
  /** The target was not asked: the ledger said that it holds this state already. */
  readonly byLedger: boolean;
}

export interface RecordDependencies {
  readonly clock: Clock;
  readonly ledger: Ledger;
  /** Asks the target after all, for items that the ledger had called unchanged. */
  readonly apply: (items: readonly UnitItem[]) => Promise<readonly Reached[]>;
}

type Records = ReadonlyMap<string, LedgerRecord>;

export async function readLedger(
  round: readonly UnitItem[],
  state: RoundState,
  { clock, ledger }: Pick<RecordDependencies, "clock" | "ledger">,
): Promise<Records> {
  assertHeld(state.hold);
  const began = clock.monotonicMs();
  const keys = round.map(({ key }) => key);
  const records = await ledger.read(state.lane, keys, state.hold.signal);
  state.ledgerMs += clock.monotonicMs() - began;
  return records;
}

/**
 * Writes what a round has come to, in one batch: what was reached, and what leaves its lane without an end. On a conflict:
 * read again, decide again, and write what is still news. What was reached has its verdict when it is written.
 */
export async function recordRound(
  round: readonly UnitItem[],
  reached: readonly Reached[],
  records: Records,
  state: RoundState,
  dependencies: RecordDependencies,
): Promise<void> {
  let open = reached;
  let known = records;
  for (let conflicts = 0; ; conflicts += 1) {
    const wallMs = dependencies.clock.wallMs();
    const writes = [
      ...open.map((each) => reachedWrite(each, known, state, wallMs)),
      ...leaving(state, round).flatMap((entry) => triedWrite(entry, known, state, wallMs)),
    ];
    if (writes.length === 0) return;
    if (conflicts > MOST_CONFLICTS) {
      throw new OutageError(
        "ledger",
        "conflict-storm",
        "ledger entries change faster than they can be written",
      );
    }
    if ((await writeLedger(writes, state, dependencies)) === "written") {
      for (const { entry, outcome } of open) conclude(state, entry, { kind: "done", outcome });
      return;
    }
    known = await readLedger(round, state, dependencies);
    for (const entry of leaving(state, round)) concludeByLedger(entry, known, state);
    open = await stillReached(open, known, state, dependencies);
  }
}

function reachedWrite(
  { entry, outcome }: Reached,
  known: Records,
  { lane }: RoundState,
  wallMs: number,
): LedgerWrite {
  const { item, key } = entry;
  const record = known.get(key);
  return {
    entry: ledgerEntryOf(item, { lane, key }, record?.entry, outcome, wallMs),
    etag: record?.etag,
  };
}

function triedWrite(
  { item, key }: UnitItem,
  known: Records,
  { lane }: RoundState,
  wallMs: number,
): readonly LedgerWrite[] {
  const record = known.get(key);
  const entry = triedEntryOf(item, { lane, key }, record?.entry, wallMs);
  return entry === undefined ? [] : [{ entry, etag: record?.etag }];
}

async function writeLedger(
  writes: readonly LedgerWrite[],
  state: RoundState,
  { clock, ledger }: RecordDependencies,
): Promise<"written" | "conflict"> {
  assertHeld(state.hold);
  const began = clock.monotonicMs();
  agentPoint("before-ledger");
  const written = await ledger.write(state.lane, writes, state.hold.signal);
  agentPoint("after-ledger");
  state.ledgerMs += clock.monotonicMs() - began;
  return written;
}

/** It was refused here, and another got it there meanwhile: a write that came late, and was written down. */
function concludeByLedger(entry: UnitItem, known: Records, state: RoundState): void {
  const decision = decideByLedger(entry.item, known.get(entry.key)?.entry);
  if (decision.kind === "superseded") {
    conclude(state, entry, { kind: "done", outcome: "superseded" });
  } else if (decision.kind === "recorded") {
    conclude(state, entry, { kind: "done", outcome: decision.outcome });
  }
}

async function stillReached(
  reached: readonly Reached[],
  known: Records,
  state: RoundState,
  { apply }: RecordDependencies,
): Promise<readonly Reached[]> {
  const stillNews: Reached[] = [];
  const toApply: UnitItem[] = [];
  for (const each of reached) {
    const { entry, outcome, byLedger } = each;
    const decision = decideByLedger(entry.item, known.get(entry.key)?.entry);
    if (decision.kind === "superseded" || decision.kind === "recorded") {
      const newer = decision.kind === "superseded";
      conclude(state, entry, { kind: "done", outcome: newer ? "superseded" : outcome });
    } else if (decision.kind === "apply" && byLedger) toApply.push(entry);
    else stillNews.push(each);
  }
  return [...stillNews, ...(await apply(toApply))];
}
