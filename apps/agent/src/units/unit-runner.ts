/**
 * Brings one unit to its verdicts: ledger read, decision, target, ledger write, round by round.
 *
 * The lane runner calls it, one unit of a lane at a time. Before every side effect it checks that the lane is still
 * held. It never settles, never reports, and never writes a ledger entry without the etag it read.
 */
import type { TargetFailure } from "@postern/connectors";
import type { Lane } from "@postern/contracts";
import { type Clock, OutageError } from "@postern/runtime";
import type { Ledger } from "../ports/ledger";
import type { CrashWatch } from "../suspects/crash-watch";
import { SuspectTrials } from "../suspects/suspect-trials";
import type { HeldGuard } from "./held-guard";
import { LaneLedger } from "./lane-ledger";
import { type ApplyMode, TargetApply, type TargetApplyDependencies } from "./target-apply";
import { roundsOf, type Unit } from "./unit-forming";
import { type LedgerRecords, type OpenWork, type Reached, UnitRound } from "./unit-round";
import type { Verdict } from "./verdict";

export interface UnitDependencies extends TargetApplyDependencies {
  readonly ledger: Ledger;
  /** Absent: items that run alone are not written down. */
  readonly suspects: CrashWatch | undefined;
}

export interface UnitResult {
  /** One per message and item, in order. */
  readonly verdicts: readonly (readonly Verdict[])[];
  /** Why the target's queue must rest, if it must. */
  readonly targetDown: TargetFailure | undefined;
  readonly ledgerMs: number;
  readonly targetMs: number;
}

/** Shared by the rounds of one unit. */
interface UnitRun {
  readonly lane: Lane;
  readonly clock: Clock;
  readonly ledger: LaneLedger;
  readonly target: TargetApply;
}

/** Conflicts are rare on a lane that only one agent holds; more than this in a row is a fault elsewhere. */
const MOST_CONFLICTS = 8;

/** @throws OutageError of the ledger, or `lock-lost` when the lane is no longer held */
export async function runUnit(
  unit: Unit,
  lane: Lane,
  guard: HeldGuard,
  dependencies: UnitDependencies,
): Promise<UnitResult> {
  const { clock, gate } = dependencies;
  const trials = trialsOf(unit, lane, dependencies);
  const mode = await modeOf(unit, trials, guard.signal);
  const ledger = new LaneLedger(dependencies, lane, guard);
  const target = new TargetApply(dependencies, guard, mode, trials);
  const run: UnitRun = { lane, clock, ledger, target };
  const rounds = roundsOf(mode === "alone" ? { ...unit, alone: true } : unit).map(
    (items) => new UnitRound(items),
  );
  if (trials !== undefined && mode === "watched") {
    const watched = async (alone: boolean): Promise<void> => {
      if (alone) await trials.beginUnit(guard.signal);
      await runRounds(rounds, run);
    };
    await gate.alone(guard.signal, watched, () => trials.withdraw(guard.signal));
  } else await runRounds(rounds, run);
  await trials?.close(guard.signal);
  return {
    verdicts: verdictsOf(unit, rounds),
    targetDown: target.targetDown,
    ledgerMs: ledger.spentMs,
    targetMs: target.spentMs,
  };
}

function trialsOf(
  unit: Unit,
  lane: Lane,
  { suspects, clock }: UnitDependencies,
): SuspectTrials | undefined {
  if (suspects === undefined || !(unit.alone || suspects.careful)) return undefined;
  const items = unit.messages.flatMap(({ message }) => message.items.map(({ itemId }) => itemId));
  return new SuspectTrials(suspects, lane, new Set(items), clock);
}

async function modeOf(
  unit: Unit,
  trials: SuspectTrials | undefined,
  signal: AbortSignal,
): Promise<ApplyMode> {
  if (unit.alone) return "alone";
  if (trials === undefined) return "together";
  return (await trials.isSuspect(signal)) ? "alone" : "watched";
}

async function runRounds(rounds: readonly UnitRound[], run: UnitRun): Promise<void> {
  for (const round of rounds) {
    if (run.target.targetDown !== undefined) return;
    await runRound(round, run);
  }
}

/** Applies and records a round; after a conflict, applies and records what is left. */
async function runRound(round: UnitRound, run: UnitRun): Promise<void> {
  let records = await run.ledger.read(round.keys);
  let open: OpenWork = round.begin(records);
  for (let conflicts = 0; ; conflicts += 1) {
    const applied = await run.target.apply(round, open.toApply);
    const reached = [...open.reached, ...applied];
    const newer = await recordRound(round, reached, records, conflicts, run);
    if (newer === undefined) return;
    records = newer;
    open = round.afterConflict(reached, records);
  }
}

/**
 * Writes the outcome of a round in one batch, and concludes what was reached once it is written.
 *
 * @returns undefined when the round is recorded; on a conflict, the current records
 */
async function recordRound(
  round: UnitRound,
  reached: readonly Reached[],
  records: LedgerRecords,
  conflicts: number,
  { lane, clock, ledger }: UnitRun,
): Promise<LedgerRecords | undefined> {
  const writes = round.writes(reached, records, lane, clock.wallMs());
  if (writes.length === 0) return undefined;
  if (conflicts > MOST_CONFLICTS) {
    throw new OutageError(
      "ledger",
      "conflict-storm",
      "ledger entries change faster than they can be written",
    );
  }
  if ((await ledger.write(writes)) === "written") {
    for (const { entry, outcome } of reached) round.conclude(entry, { kind: "done", outcome });
    return undefined;
  }
  return ledger.read(round.keys);
}

/** One per message and item, in order; `undone` where no round concluded the item. */
function verdictsOf(unit: Unit, rounds: readonly UnitRound[]): Verdict[][] {
  const verdicts = unit.messages.map(({ message }) =>
    message.items.map((): Verdict => ({ kind: "undone" })),
  );
  for (const round of rounds) {
    for (const entry of round.items) {
      const ofMessage = verdicts[entry.messageIndex];
      if (ofMessage !== undefined) ofMessage[entry.itemIndex] = round.verdictOf(entry);
    }
  }
  return verdicts;
}
