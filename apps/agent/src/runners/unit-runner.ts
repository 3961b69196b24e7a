/**
 * Brings one unit to its verdicts: ledger read, decision, target, ledger write, round by round.
 *
 * Called by the lane runner, one unit of a lane at a time. Before every side effect it asks whether the lane is still held;
 * it never settles, never reports, and never writes a ledger entry without the etag it read.
 */
import type { ApplyResult, TargetFailure } from "@postern/connectors";
import { agentPoint, type Lane } from "@postern/contracts";
import { decideFailure, type RetryLimits } from "../domain/failure-policy";
import { decideByLedger, ledgerEntryOf } from "../domain/ledger-decision";
import type {
  Clock,
  Ledger,
  LedgerRecord,
  LedgerWrite,
  RandomSource,
  TargetPort,
} from "../domain/ports";
import { roundsOf, type Unit, type UnitItem } from "../domain/unit-forming";
import { poisonReason } from "../domain/trial";
import type { Verdict } from "../domain/verdict";
import type { ApplyGate } from "./apply-gate";
import type { CrashWatch } from "./crash-watch";
import { assertHeld, type Hold } from "./lane-hold";
import { conflictStorm, MOST_CONFLICTS } from "./ledger-conflict";
import { noteDoubt } from "./ledger-doubt";
import { SuspectTrials } from "./suspect-trials";

export interface UnitDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly ledger: Ledger;
  readonly target: TargetPort;
  readonly retry: RetryLimits;
  readonly gate: ApplyGate;
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

interface RoundState {
  readonly lane: Lane;
  readonly hold: Hold;
  readonly verdicts: Verdict[][];
  /** Items that the target may have taken although it did not say so. */
  readonly doubted: Set<UnitItem>;
  /** Of a unit that may end the process. */
  readonly trials: SuspectTrials | undefined;
  /** How the unit is applied: like any other, as a whole with nothing else under way, or item by item. */
  manner: "together" | "watched" | "alone";
  targetDown: TargetFailure | undefined;
  ledgerMs: number;
  targetMs: number;
}

const UNDONE: Verdict = { kind: "undone" };

export async function runUnit(
  unit: Unit,
  lane: Lane,
  hold: Hold,
  dependencies: UnitDependencies,
): Promise<UnitResult> {
  const state: RoundState = {
    lane,
    hold,
    verdicts: unit.messages.map(({ message }) => message.items.map(() => UNDONE)),
    doubted: new Set(),
    trials: trialsOf(unit, lane, dependencies),
    manner: unit.alone ? "alone" : "together",
    targetDown: undefined,
    ledgerMs: 0,
    targetMs: 0,
  };
  const { trials } = state;
  if (trials !== undefined && !unit.alone) {
    state.manner = (await trials.isSuspect(hold.signal)) ? "alone" : "watched";
  }
  const rounds = roundsOf(state.manner === "alone" ? { ...unit, alone: true } : unit);
  if (trials !== undefined && state.manner === "watched") {
    await dependencies.gate.alone(hold.signal, async (alone) => {
      if (alone) await trials.beginUnit(hold.signal);
      await runRounds(rounds, state, dependencies);
    });
  } else await runRounds(rounds, state, dependencies);
  await trials?.close(hold.signal);
  return state;
}

async function runRounds(
  rounds: readonly (readonly UnitItem[])[],
  state: RoundState,
  dependencies: UnitDependencies,
): Promise<void> {
  for (const round of rounds) {
    if (state.targetDown !== undefined) break;
    await runRound(round, state, dependencies);
  }
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

async function runRound(
  round: readonly UnitItem[],
  state: RoundState,
  dependencies: UnitDependencies,
): Promise<void> {
  const records = await readLedger(round, state, dependencies);
  const toApply: UnitItem[] = [];
  const advanced: UnitItem[] = [];
  for (const entry of round) {
    const decision = decideByLedger(entry.item, records.get(entry.key)?.entry);
    switch (decision.kind) {
      case "superseded":
        conclude(state, entry, { kind: "done", outcome: "superseded" });
        break;
      case "recorded":
        conclude(state, entry, { kind: "done", outcome: decision.outcome });
        break;
      case "advance":
        advanced.push(entry);
        break;
      case "apply":
        toApply.push(entry);
        break;
    }
  }
  const reached = await applyItems(toApply, state, dependencies);
  for (const entry of advanced) reached.push({ entry, outcome: "unchanged", byLedger: true });
  await record(reached, records, state, dependencies);
  const doubtful = round.filter(
    (entry) => state.doubted.has(entry) && leavesItsLane(verdictOf(state, entry)),
  );
  await noteDoubt(doubtful, records, { ...state, ledger: dependencies.ledger });
}

/** Done or to be done again in its turn are all others. */
function leavesItsLane(verdict: Verdict | undefined): boolean {
  return (
    verdict?.kind === "waiting" || verdict?.kind === "dead-lettered" || verdict?.kind === "unknown"
  );
}

interface Reached {
  readonly entry: UnitItem;
  readonly outcome: "applied" | "unchanged";
  /** The target was not asked: the ledger said that it holds this state already. */
  readonly byLedger: boolean;
}

/** Applies items, with quick tries for those that may succeed at once; answers those whose state is at the target now. */
async function applyItems(
  items: readonly UnitItem[],
  state: RoundState,
  dependencies: UnitDependencies,
): Promise<Reached[]> {
  const { clock, random, target, retry } = dependencies;
  const reached: Reached[] = [];
  let open = items;
  for (let tries = 1; open.length > 0; tries += 1) {
    const again: UnitItem[] = [];
    let pauseMs = 0;
    for (let from = 0; from < open.length; from += target.maxBatchItems) {
      const batch = open.slice(from, from + target.maxBatchItems);
      const results = await callTarget(batch, state, dependencies);
      if (results === "poison") continue;
      for (const [index, entry] of batch.entries()) {
        const result = results[index] ?? noAnswer;
        if (isDoubtful(result)) state.doubted.add(entry);
        if (result.outcome === "unknown") {
          conclude(state, entry, { kind: "unknown", failure: result.failure });
        } else if (result.outcome === "failed") {
          const nowMs = clock.wallMs();
          const firstAttemptAt = entry.source.firstAttemptAt;
          const decision = decideFailure(
            {
              failure: result.failure,
              triesInPlace: tries,
              firstAttemptMs: firstAttemptAt === undefined ? nowMs : Date.parse(firstAttemptAt),
              nowMs,
              jitter: random.next(),
            },
            retry,
          );
          switch (decision.kind) {
            case "again-now":
              again.push(entry);
              pauseMs = Math.max(pauseMs, decision.delayMs);
              break;
            case "wait":
              conclude(state, entry, {
                kind: "waiting",
                failure: result.failure,
                retryAtMs: decision.retryAtMs,
              });
              break;
            case "dead-letter":
              conclude(state, entry, {
                kind: "dead-lettered",
                class: result.failure.class,
                code: decision.code,
                reason: decision.reason,
              });
              break;
            case "target-down":
              state.targetDown = result.failure;
              break;
          }
        } else if (result.outcome === "superseded") {
          // The inbox knows a version that the ledger does not: it was written by whoever applied that one.
          conclude(state, entry, { kind: "done", outcome: "superseded" });
        } else {
          reached.push({
            entry,
            outcome: result.outcome === "unchanged" ? "unchanged" : "applied",
            byLedger: false,
          });
        }
      }
      if (state.targetDown !== undefined) return reached;
    }
    open = again;
    if (open.length > 0) await clock.sleep(pauseMs, state.hold.signal);
  }
  return reached;
}

/** A refusal is an answer; what fails on the way may have been carried out. */
function isDoubtful(result: ApplyResult): boolean {
  if (result.outcome !== "failed") return result.outcome === "unknown";
  return result.failure.class === "transient" || result.failure.class === "target-down";
}

const noAnswer: ApplyResult = {
  outcome: "failed",
  failure: {
    class: "transient",
    code: "internal",
    message: "the connector gave no result for this item; this is a fault of the connector",
  },
};

/** @returns poison: the items (one, since it ran alone) have ended the process too often, and have their verdict */
async function callTarget(
  batch: readonly UnitItem[],
  state: RoundState,
  dependencies: UnitDependencies,
): Promise<readonly ApplyResult[] | "poison"> {
  const { gate } = dependencies;
  const { trials, hold } = state;
  const [only] = batch;
  if (state.manner === "watched") return askTarget(batch, state, dependencies);
  if (trials === undefined || only === undefined) {
    return gate.together(hold.signal, () => askTarget(batch, state, dependencies));
  }
  return gate.alone(hold.signal, async (alone) => {
    // With something else under way a crash would prove nothing: it is not written down.
    if (!alone) return askTarget(batch, state, dependencies);
    assertHeld(hold);
    const times = await trials.begin(only.item.itemId, hold.signal);
    if (times !== undefined) {
      const reason = poisonReason(times);
      state.doubted.add(only);
      conclude(state, only, { kind: "dead-lettered", class: "poison", code: "poison", reason });
      return "poison";
    }
    const results = await askTarget(batch, state, dependencies);
    trials.ended(only.item.itemId);
    return results;
  });
}

async function askTarget(
  batch: readonly UnitItem[],
  state: RoundState,
  { clock, target }: UnitDependencies,
): Promise<readonly ApplyResult[]> {
  assertHeld(state.hold);
  const began = clock.monotonicMs();
  try {
    return await target.apply(
      batch.map(({ source, item }) => ({ definition: source.definition, item })),
      { signal: state.hold.signal },
    );
  } catch (error) {
    assertHeld(state.hold);
    const answer = thrownAnswer(error, target.hasInbox);
    return batch.map(() => answer);
  } finally {
    state.targetMs += clock.monotonicMs() - began;
  }
}

/** A connector answers with results and does not throw; one that does has a fault, and its items are not lost to it. */
function thrownAnswer(error: unknown, hasInbox: boolean): ApplyResult {
  const failure: TargetFailure = {
    class: "transient",
    code: "internal",
    message:
      `the connector failed: ${error instanceof Error ? error.message : String(error)}`.slice(
        0,
        500,
      ),
  };
  return { outcome: hasInbox ? "failed" : "unknown", failure };
}

async function readLedger(
  items: readonly UnitItem[],
  state: RoundState,
  { clock, ledger }: UnitDependencies,
): Promise<Map<string, LedgerRecord>> {
  assertHeld(state.hold);
  const began = clock.monotonicMs();
  const keys = items.map(({ key }) => key);
  const records = await ledger.read(state.lane, keys, state.hold.signal);
  state.ledgerMs += clock.monotonicMs() - began;
  return new Map(records);
}

/** Writes what was reached. On a conflict: read again, decide again, and write what is still news. */
async function record(
  reached: readonly Reached[],
  records: Map<string, LedgerRecord>,
  state: RoundState,
  dependencies: UnitDependencies,
): Promise<void> {
  const { clock, ledger } = dependencies;
  let open = reached;
  let known = records;
  for (let conflicts = 0; open.length > 0; conflicts += 1) {
    if (conflicts > MOST_CONFLICTS) throw conflictStorm();
    assertHeld(state.hold);
    const began = clock.monotonicMs();
    const writes: LedgerWrite[] = open.map(({ entry, outcome }) => ({
      entry: ledgerEntryOf(
        entry.item,
        { lane: state.lane, key: entry.key },
        outcome,
        clock.wallMs(),
      ),
      etag: known.get(entry.key)?.etag,
    }));
    agentPoint("before-ledger");
    const written = await ledger.write(state.lane, writes, state.hold.signal);
    agentPoint("after-ledger");
    state.ledgerMs += clock.monotonicMs() - began;
    if (written === "written") {
      for (const { entry, outcome } of open) conclude(state, entry, { kind: "done", outcome });
      return;
    }
    known = await readLedger(
      open.map(({ entry }) => entry),
      state,
      dependencies,
    );
    const stillNews: Reached[] = [];
    const toApply: UnitItem[] = [];
    for (const each of open) {
      const { entry, outcome, byLedger } = each;
      const decision = decideByLedger(entry.item, known.get(entry.key)?.entry);
      if (decision.kind === "superseded" || decision.kind === "recorded") {
        const newer = decision.kind === "superseded";
        conclude(state, entry, { kind: "done", outcome: newer ? "superseded" : outcome });
      } else if (decision.kind === "apply" && byLedger) toApply.push(entry);
      else stillNews.push(each);
    }
    open = [...stillNews, ...(await applyItems(toApply, state, dependencies))];
  }
}

function verdictOf(state: RoundState, entry: UnitItem): Verdict | undefined {
  return state.verdicts[entry.messageIndex]?.[entry.itemIndex];
}

function conclude(state: RoundState, entry: UnitItem, verdict: Verdict): void {
  const ofMessage = state.verdicts[entry.messageIndex];
  if (ofMessage !== undefined) ofMessage[entry.itemIndex] = verdict;
}
