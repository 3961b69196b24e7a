import { OutageError } from "@postern/runtime";

/** What must hold for a side effect to begin. */
export interface Hold {
  readonly signal: AbortSignal;
  readonly isHeld: () => boolean;
}

/** @throws OutageError `lock-lost` */
export function assertHeld(hold: Hold): void {
  if (hold.signal.aborted || !hold.isHeld()) {
    throw new OutageError("broker", "lock-lost", "the lane is no longer held");
  }
}
