import type { TargetFailure } from "@postern/connectors";
import type { ErrorCode, FailureClass } from "@postern/contracts";

/**
 * The result of one delivery for an item. `undone` is not an outcome: the item's message is given back and comes again.
 */
export type Verdict =
  | { readonly kind: "done"; readonly outcome: "applied" | "unchanged" | "superseded" }
  | { readonly kind: "waiting"; readonly failure: TargetFailure; readonly retryAtMs: number }
  | {
      readonly kind: "dead-lettered";
      readonly class: FailureClass;
      readonly code: ErrorCode;
      readonly reason: string;
    }
  | { readonly kind: "unknown"; readonly failure: TargetFailure }
  | { readonly kind: "undone" };

/**
 * Whether the item's message ends although the item does not, or not at its target: later items of its entity are
 * applied without waiting for it. All other items are done, or are done again in order.
 */
export function leavesItsLane({ kind }: Verdict): boolean {
  return kind === "waiting" || kind === "dead-lettered" || kind === "unknown";
}

export type VerdictCounts = Readonly<
  Record<
    "applied" | "unchanged" | "superseded" | "waiting" | "deadLettered" | "unknown" | "undone",
    number
  >
>;

export function countVerdicts(verdicts: Iterable<Verdict>): VerdictCounts {
  const counts = {
    applied: 0,
    unchanged: 0,
    superseded: 0,
    waiting: 0,
    deadLettered: 0,
    unknown: 0,
    undone: 0,
  };
  for (const verdict of verdicts) {
    switch (verdict.kind) {
      case "done":
        counts[verdict.outcome] += 1;
        break;
      case "dead-lettered":
        counts.deadLettered += 1;
        break;
      case "waiting":
      case "unknown":
      case "undone":
        counts[verdict.kind] += 1;
        break;
    }
  }
  return counts;
}
