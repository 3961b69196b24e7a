import { OutageError } from "@postern/runtime";

/** Tells whether a side effect may still start: the lane is held, and its work is not cut off. */
export interface HeldGuard {
  readonly signal: AbortSignal;
  readonly isHeld: () => boolean;
}

/** @throws OutageError `lock-lost` */
export function assertHeld(guard: HeldGuard): void {
  if (guard.signal.aborted || !guard.isHeld()) {
    throw new OutageError("broker", "lock-lost", "the lane is no longer held");
  }
}
