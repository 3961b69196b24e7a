import { clip, type ErrorCode, entityKey, limits } from "@postern/contracts";
import type { Unit } from "./unit-forming";
import type { Verdict } from "./verdict";

/** Reasons that one unit logs. Items that wait for the same thing have one. */
const MOST_REASONS = 5;

export interface WaitingReason {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly items: number;
  /** One of the items. */
  readonly entity: string;
}

/** What the items of a unit wait for, each reason once. */
export function waitingReasons(
  unit: Unit,
  verdicts: readonly (readonly Verdict[])[],
): WaitingReason[] {
  const reasons = new Map<string, WaitingReason>();
  for (const [messageIndex, { message }] of unit.messages.entries()) {
    for (const [itemIndex, { entity }] of message.items.entries()) {
      const verdict = verdicts[messageIndex]?.[itemIndex];
      if (verdict?.kind !== "waiting") continue;
      const { code, message: reason } = verdict.failure;
      const known = reasons.get(reason);
      reasons.set(reason, {
        code,
        reason: clip(reason, limits.loggedReasonChars),
        items: (known?.items ?? 0) + 1,
        entity: known?.entity ?? entityKey(entity),
      });
    }
  }
  return [...reasons.values()].slice(0, MOST_REASONS);
}
