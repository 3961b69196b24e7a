import type { Clock } from "../ports";

/** Cancels a wait. The default reason would be an exception with a stack, too expensive for every unit. */
export function endWait(wait: AbortController): void {
  wait.abort("no longer needed");
}

/** A signal that is aborted after a time, or with another signal; `end` releases what it holds. */
export interface Deadline {
  readonly signal: AbortSignal;
  readonly passed: () => boolean;
  readonly end: () => void;
}

export function startDeadline(clock: Clock, durationMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = new AbortController();
  let passed = false;
  const stop = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) stop();
  outer?.addEventListener("abort", stop, { once: true });
  void clock.sleep(durationMs, timer.signal).then(() => {
    if (timer.signal.aborted) return;
    passed = true;
    controller.abort(new Error(`not done within ${durationMs} ms`));
  });
  return {
    signal: controller.signal,
    passed: () => passed,
    end: () => {
      outer?.removeEventListener("abort", stop);
      endWait(timer);
    },
  };
}

/** Waits for a promise, but no longer than `durationMs`. Returns whether it settled. */
export async function settledWithin(
  clock: Clock,
  durationMs: number,
  work: Promise<unknown>,
): Promise<boolean> {
  const timer = new AbortController();
  const done = work.then(
    () => true,
    () => true,
  );
  const late = clock.sleep(durationMs, timer.signal).then(() => false);
  const came = await Promise.race([done, late]);
  endWait(timer);
  return came;
}
