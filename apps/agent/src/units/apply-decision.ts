import type { ApplyResult, TargetFailure } from "@postern/connectors";
import { decideFailure, type RetryLimits } from "./failure-policy";
import type { AppliedState } from "./ledger-decision";
import type { Verdict } from "./verdict";

/** What follows from a target's result for one item. */
export type ApplyDecision =
  | { readonly kind: "reached"; readonly outcome: AppliedState["outcome"] }
  | { readonly kind: "concluded"; readonly verdict: Verdict }
  | { readonly kind: "again-now"; readonly delayMs: number }
  | { readonly kind: "target-down"; readonly failure: TargetFailure };

export interface ApplyFacts {
  /** Tries made in this delivery, this one included. */
  readonly triesInPlace: number;
  /** ISO timestamp of the first attempt; undefined when this is the first. */
  readonly firstAttemptAt: string | undefined;
  readonly nowMs: number;
}

/** @param jitter gives 0 to 1; called for failures only */
export function decideApplied(
  result: ApplyResult,
  facts: ApplyFacts,
  retry: RetryLimits,
  jitter: () => number,
): ApplyDecision {
  switch (result.outcome) {
    case "unknown":
      return { kind: "concluded", verdict: { kind: "unknown", failure: result.failure } };
    case "failed":
      return decideFailed(result.failure, facts, retry, jitter());
    case "superseded":
      // The target's inbox knows a version that the ledger does not: the agent that applied it records it.
      return { kind: "concluded", verdict: { kind: "done", outcome: "superseded" } };
    case "unchanged":
      return { kind: "reached", outcome: "unchanged" };
    case "applied":
    case "replayed":
      return { kind: "reached", outcome: "applied" };
  }
}

function decideFailed(
  failure: TargetFailure,
  { triesInPlace, firstAttemptAt, nowMs }: ApplyFacts,
  retry: RetryLimits,
  jitter: number,
): ApplyDecision {
  const firstAttemptMs = firstAttemptAt === undefined ? nowMs : Date.parse(firstAttemptAt);
  const decision = decideFailure({ failure, triesInPlace, firstAttemptMs, nowMs, jitter }, retry);
  switch (decision.kind) {
    case "again-now":
      return decision;
    case "target-down":
      return { kind: "target-down", failure };
    case "wait": {
      const { retryAtMs } = decision;
      return { kind: "concluded", verdict: { kind: "waiting", failure, retryAtMs } };
    }
    case "dead-letter": {
      const { code, reason } = decision;
      return {
        kind: "concluded",
        verdict: { kind: "dead-lettered", class: failure.class, code, reason },
      };
    }
  }
}
