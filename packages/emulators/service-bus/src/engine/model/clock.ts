/** Unix time in milliseconds. */
export interface Clock {
  now(): number;
}

/**
 * Wall-clock time at start, advanced by the monotonic clock: locks and expiry never jump when the wall clock is set.
 */
export function monotonicClock(): Clock {
  const { timeOrigin } = performance;
  return { now: () => Math.floor(timeOrigin + performance.now()) };
}
