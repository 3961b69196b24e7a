import type { Checkpoint, StartMessage } from "@postern/contracts";

/** What to do about a start message, from the checkpoint alone. */
export type StartDecision =
  /** Read on from where the checkpoint stands. */
  | { readonly kind: "run" }
  /** What it asks for has been done. */
  | { readonly kind: "nothing" }
  /** The checkpoint has moved on: its current page is asked for instead. */
  | { readonly kind: "continue-instead" }
  /** Another instance holds the claim, or the source asked to be left alone, until then. */
  | { readonly kind: "leave"; readonly untilMs: number };

export interface StartView {
  readonly checkpoint: Checkpoint;
  /** When the source was last polled, according to this process or the checkpoint. */
  readonly polledAtMs: number;
  readonly owner: string;
  readonly nowMs: number;
}

export function decideStart(
  message: Pick<StartMessage, "tick" | "reason" | "page" | "onDemand">,
  { checkpoint, polledAtMs, owner, nowMs }: StartView,
): StartDecision {
  if (message.onDemand === undefined) {
    if (checkpoint.phase === "settled") {
      // A continuation of an enumeration that has ended; a tick older than the last poll.
      if (message.page !== undefined) return { kind: "nothing" };
      if (Date.parse(message.tick) <= polledAtMs) return { kind: "nothing" };
    } else if (message.page !== undefined && message.page !== checkpoint.page) {
      return { kind: "continue-instead" };
    }
  }
  const leaseUntilMs = checkpoint.leaseUntil === null ? 0 : Date.parse(checkpoint.leaseUntil);
  if (leaseUntilMs > nowMs && checkpoint.owner !== owner) {
    return { kind: "leave", untilMs: leaseUntilMs };
  }
  return { kind: "run" };
}
