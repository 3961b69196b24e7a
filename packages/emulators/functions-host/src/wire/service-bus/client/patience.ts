import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for `work`, but no longer than `ms`; true when it was done by then. It goes on in the background otherwise, and
 * its failure is nobody's concern: for what the SDK would let hang until its own time-out of a minute.
 */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const patience = new AbortController();
  const done = work.then(
    () => true,
    () => true,
  );
  const over = delay(ms, false, { signal: patience.signal }).catch(() => false);
  const inTime = await Promise.race([done, over]);
  patience.abort();
  return inTime;
}
