/** Unix time in milliseconds. */
export interface Clock {
  now(): number;
}

/** Wall-clock time at start, advanced by the monotonic clock: locks and expiry never jump when the wall clock is set. */
export function monotonicClock(): Clock {
  const startedAt = Date.now() - performance.now();
  return { now: () => Math.floor(startedAt + performance.now()) };
}
