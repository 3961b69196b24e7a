/**
 * Applies items of one unit to the target, with quick tries in place, and concludes those that the target did not take.
 *
 * Every call goes through the gate, after a check that the lane is still held. A unit is applied `together` with
 * others, as a whole while nothing else runs (`watched`), or item by item while nothing else runs (`alone`).
 */
import { limits, clip } from "@postern/contracts";
import type { ApplyResult, TargetFailure } from "@postern/connectors";
import type { TargetPort } from "../ports/agent-ports";
import type { Clock, RandomSource } from "@postern/runtime";
import type { ApplyGate } from "../suspects/apply-gate";
import type { SuspectTrials } from "../suspects/suspect-trials";
import { poisonReason } from "../suspects/trial";
import { decideApplied } from "./apply-decision";
import type { RetryLimits } from "./failure-policy";
import { assertHeld, type HeldGuard } from "./held-guard";
import type { UnitItem } from "./unit-forming";
import type { Reached, UnitRound } from "./unit-round";

export interface TargetApplyDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly target: TargetPort;
  readonly retry: RetryLimits;
  readonly gate: ApplyGate;
}

export type ApplyMode = "together" | "watched" | "alone";

export class TargetApply {
  readonly #dependencies: TargetApplyDependencies;
  readonly #guard: HeldGuard;
  readonly #mode: ApplyMode;
  readonly #trials: SuspectTrials | undefined;
  #spentMs = 0;
  #targetDown: TargetFailure | undefined;

  /** @param trials where tries are written down; absent: the unit is not suspected of ending the process */
  constructor(
    dependencies: TargetApplyDependencies,
    guard: HeldGuard,
    mode: ApplyMode,
    trials: SuspectTrials | undefined,
  ) {
    this.#dependencies = dependencies;
    this.#guard = guard;
    this.#mode = mode;
    this.#trials = trials;
  }

  /** Milliseconds spent in calls to the target. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** Why the target's queue must rest, if it must. Then no further item of the unit is applied. */
  get targetDown(): TargetFailure | undefined {
    return this.#targetDown;
  }

  /**
   * Returns the items whose state is at the target now. The others have a verdict in the round or, when the target is
   * down, none.
   *
   * @throws OutageError `lock-lost` when the lane is no longer held
   */
  async apply(round: UnitRound, items: readonly UnitItem[]): Promise<readonly Reached[]> {
    const { clock, target } = this.#dependencies;
    const reached: Reached[] = [];
    let open = items;
    for (let tries = 1; open.length > 0; tries += 1) {
      const again: UnitItem[] = [];
      let pauseMs = 0;
      for (let from = 0; from < open.length; from += target.maxBatchItems) {
        const batch = open.slice(from, from + target.maxBatchItems);
        const results = await this.#call(round, batch);
        if (results === "poison") continue;
        for (const [index, entry] of batch.entries()) {
          const decision = this.#decide(entry, results[index] ?? noResult, tries);
          switch (decision.kind) {
            case "reached":
              reached.push({ entry, outcome: decision.outcome, byLedger: false });
              break;
            case "concluded":
              round.conclude(entry, decision.verdict);
              break;
            case "again-now":
              again.push(entry);
              pauseMs = Math.max(pauseMs, decision.delayMs);
              break;
            case "target-down":
              this.#targetDown = decision.failure;
              break;
          }
        }
        if (this.#targetDown !== undefined) return reached;
      }
      open = again;
      if (open.length > 0) await clock.sleep(pauseMs, this.#guard.signal);
    }
    return reached;
  }

  #decide(
    { source: { firstAttemptAt } }: UnitItem,
    result: ApplyResult,
    triesInPlace: number,
  ): ReturnType<typeof decideApplied> {
    const { clock, random, retry } = this.#dependencies;
    const facts = { triesInPlace, firstAttemptAt, nowMs: clock.wallMs() };
    return decideApplied(result, facts, retry, () => random.next());
  }

  /** @returns poison: the only item of the batch has ended the process too often, and is concluded */
  async #call(
    round: UnitRound,
    batch: readonly UnitItem[],
  ): Promise<readonly ApplyResult[] | "poison"> {
    const { gate } = this.#dependencies;
    const { signal } = this.#guard;
    const trials = this.#trials;
    const [only] = batch;
    if (this.#mode === "watched") return this.#ask(batch);
    if (trials === undefined || only === undefined) {
      return gate.together(signal, () => this.#ask(batch));
    }
    const tryAlone = async (alone: boolean): Promise<readonly ApplyResult[] | "poison"> => {
      // While something else runs, a crash would prove nothing, so the try is not written down.
      if (!alone) return this.#ask(batch);
      assertHeld(this.#guard);
      const times = await trials.begin(only.item.itemId, signal);
      if (times !== undefined) {
        const reason = poisonReason(times);
        round.conclude(only, { kind: "dead-lettered", class: "poison", code: "poison", reason });
        return "poison";
      }
      const results = await this.#ask(batch);
      trials.ended(only.item.itemId);
      return results;
    };
    return gate.alone(signal, tryAlone, () => trials.withdraw(signal));
  }

  async #ask(batch: readonly UnitItem[]): Promise<readonly ApplyResult[]> {
    const { clock, target } = this.#dependencies;
    assertHeld(this.#guard);
    const began = clock.monotonicMs();
    try {
      return await target.apply(
        batch.map(({ source, item }) => ({ definition: source.definition, item })),
        { signal: this.#guard.signal },
      );
    } catch (error) {
      assertHeld(this.#guard);
      const result = thrownResult(error, target.hasInbox);
      return batch.map(() => result);
    } finally {
      this.#spentMs += clock.monotonicMs() - began;
    }
  }
}

const noResult: ApplyResult = {
  outcome: "failed",
  failure: {
    class: "transient",
    code: "internal",
    message: "the connector gave no result for this item; this is a fault of the connector",
  },
};

/** A connector returns failures and does not throw. One that throws has a fault, which its items must survive. */
function thrownResult(error: unknown, hasInbox: boolean): ApplyResult {
  const text = error instanceof Error ? error.message : String(error);
  const failure: TargetFailure = {
    class: "transient",
    code: "internal",
    message: clip(`the connector failed: ${text}`, limits.failureChars),
  };
  return { outcome: hasInbox ? "failed" : "unknown", failure };
}
