/**
 * Brings one unit to its verdicts: ledger read, decision, target, ledger write, round by round.
 *
 * Called by the lane runner, one unit of a lane at a time. Before every side effect it asks whether the lane is still held;
 * it never settles, never reports, and never writes a ledger entry without the etag it read.
 */
import type { ApplyResult, TargetFailure } from "@postern/connectors";
import type { Lane } from "@postern/contracts";
import { decideFailure, type RetryLimits } from "./failure-policy";
import { decideByLedger } from "./ledger-decision";
import type { TargetPort } from "../ports/agent-ports";
import type { Clock, RandomSource } from "@postern/runtime";
import type { Ledger } from "../ports/ledger";
import { roundsOf, type Unit, type UnitItem } from "./unit-forming";
import { poisonReason } from "../suspects/trial";
import type { Verdict } from "./verdict";
import type { ApplyGate } from "../suspects/apply-gate";
import type { CrashWatch } from "../suspects/crash-watch";
import { assertHeld, type Hold } from "./lane-hold";
import { readLedger, type Reached, recordRound } from "./round-record";
import { conclude, type RoundState } from "./round-state";
import { SuspectTrials } from "../suspects/suspect-trials";

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
    const run = async (alone: boolean): Promise<void> => {
      if (alone) await trials.beginUnit(hold.signal);
      await runRounds(rounds, state, dependencies);
    };
    await dependencies.gate.alone(hold.signal, run, () => trials.withdraw(hold.signal));
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
  await recordRound(round, reached, records, state, {
    ...dependencies,
    apply: (items) => applyItems(items, state, dependencies),
  });
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
  const tryAlone = async (alone: boolean): Promise<readonly ApplyResult[] | "poison"> => {
    // With something else under way a crash would prove nothing: it is not written down.
    if (!alone) return askTarget(batch, state, dependencies);
    assertHeld(hold);
    const times = await trials.begin(only.item.itemId, hold.signal);
    if (times !== undefined) {
      const reason = poisonReason(times);
      conclude(state, only, { kind: "dead-lettered", class: "poison", code: "poison", reason });
      return "poison";
    }
    const results = await askTarget(batch, state, dependencies);
    trials.ended(only.item.itemId);
    return results;
  };
  return gate.alone(hold.signal, tryAlone, () => trials.withdraw(hold.signal));
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
