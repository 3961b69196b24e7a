import type { TargetFailure } from "@postern/connectors";
import type { ErrorCode } from "@postern/contracts";

/**
 * Decides what happens to an item that its target did not take.
 *
 * | class       | in place                | then                                        |
 * | ----------- | ----------------------- | ------------------------------------------- |
 * | transient   | 2 quick tries           | scheduled retry, up to 24 h                 |
 * | throttled   | when asked for ≤ 250 ms | scheduled retry, not before the target says |
 * | dependency  | 1 quick try             | scheduled retry, up to 24 h, shown waiting  |
 * | permanent   | –                       | dead letter                                 |
 * | poison      | –                       | dead letter                                 |
 * | target-down | –                       | given back; the target's breaker opens      |
 */
export interface RetryLimits {
  /** The shortest delay of a scheduled retry. */
  readonly firstRetryMs: number;
  /** The longest delay from one scheduled retry to the next. */
  readonly longestRetryMs: number;
  /** Counted from the first attempt; after that the item becomes a dead letter. */
  readonly giveUpAfterMs: number;
}

export const defaultRetryLimits: RetryLimits = {
  firstRetryMs: 5_000,
  longestRetryMs: 60 * 60_000,
  giveUpAfterMs: 24 * 60 * 60_000,
};

export type FailureDecision =
  | { readonly kind: "again-now"; readonly delayMs: number }
  | { readonly kind: "wait"; readonly retryAtMs: number }
  | { readonly kind: "dead-letter"; readonly code: ErrorCode; readonly reason: string }
  | { readonly kind: "target-down" };

export interface FailureFacts {
  readonly failure: TargetFailure;
  /** Tries made in this delivery, including this one. */
  readonly triesInPlace: number;
  readonly firstAttemptMs: number;
  readonly nowMs: number;
  /** 0 to 1; spreads the retries of many items. */
  readonly jitter: number;
}

/** Longer pauses would delay the lane's other items. */
const LONGEST_PAUSE_IN_PLACE_MS = 250;
/** By then a deadlock victim or a dropped connection has recovered, and the unit has hardly waited. */
const pausesInPlaceMs: Readonly<
  Record<"transient" | "throttled" | "dependency", readonly number[]>
> = { transient: [30, 120], throttled: [100], dependency: [50] };

export function decideFailure(facts: FailureFacts, retry: RetryLimits): FailureDecision {
  const { failure } = facts;
  switch (failure.class) {
    case "permanent":
    case "poison":
      return { kind: "dead-letter", code: failure.code, reason: failure.message };
    case "target-down":
      return { kind: "target-down" };
    case "transient":
    case "throttled":
    case "dependency": {
      const pauseMs = pausesInPlaceMs[failure.class][facts.triesInPlace - 1];
      const askedMs = failure.retryAfterMs ?? 0;
      if (pauseMs !== undefined && askedMs <= LONGEST_PAUSE_IN_PLACE_MS) {
        return { kind: "again-now", delayMs: Math.max(askedMs, pauseMs * (0.5 + facts.jitter)) };
      }
      return decideScheduledRetry(facts, retry, askedMs);
    }
  }
}

/**
 * The delay doubles because it equals the time since the first attempt: 5 s, 10 s, 20 s … 1 h. So no count of attempts
 * has to be carried along. Jitter: ± 20 %.
 */
function decideScheduledRetry(
  facts: FailureFacts,
  retry: RetryLimits,
  askedMs: number,
): FailureDecision {
  const elapsedMs = Math.max(0, facts.nowMs - facts.firstAttemptMs);
  if (elapsedMs >= retry.giveUpAfterMs) {
    const hours = Math.round(elapsedMs / 3_600_000);
    return {
      kind: "dead-letter",
      code: "retries-exhausted",
      reason: `tried for ${hours} h, last failure: ${facts.failure.message}. Remove the cause, then replay the dead letter.`,
    };
  }
  const doubledMs = Math.min(Math.max(elapsedMs, retry.firstRetryMs), retry.longestRetryMs);
  const delayMs = Math.max(doubledMs * (0.8 + 0.4 * facts.jitter), askedMs);
  const lastMs = facts.firstAttemptMs + retry.giveUpAfterMs;
  return {
    kind: "wait",
    retryAtMs: Math.round(
      Math.min(facts.nowMs + delayMs, Math.max(lastMs, facts.nowMs + retry.firstRetryMs)),
    ),
  };
}
