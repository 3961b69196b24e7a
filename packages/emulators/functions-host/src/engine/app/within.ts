import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for `work`, but no longer than `ms`. Work that takes longer continues in the background; its failure is
 * ignored.
 *
 * @returns whether the work ended in time
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
