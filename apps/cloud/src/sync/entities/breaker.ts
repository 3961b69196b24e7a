/**
 * The delete breaker: deletes and disables are released while their number in a sliding window stays within a share of
 * what was ever sent. The window is counted in hours, so it is at most one hour longer than asked for.
 */
import type { DefinitionCounter, DeleteBreaker } from "@postern/contracts";

const HOUR_MS = 3_600_000;

export function hourOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 13);
}

/** Released within the window that ends now. */
export function releasedInWindow(
  counter: Pick<DefinitionCounter, "deletesByHour">,
  breaker: Pick<DeleteBreaker, "windowHours">,
  nowMs: number,
): number {
  const first = hourOf(nowMs - breaker.windowHours * HOUR_MS);
  let sum = 0;
  for (const [hour, count] of Object.entries(counter.deletesByHour)) {
    if (hour >= first) sum += count;
  }
  return sum;
}

/** Hours before the window. */
export function expiredHours(
  counter: Pick<DefinitionCounter, "deletesByHour">,
  breaker: Pick<DeleteBreaker, "windowHours">,
  nowMs: number,
): string[] {
  const first = hourOf(nowMs - breaker.windowHours * HOUR_MS);
  return Object.keys(counter.deletesByHour).filter((hour) => hour < first);
}

/** How many may be released in one window. */
export function allowance(breaker: DeleteBreaker, sent: number): number {
  const share = Math.floor((breaker.percent / 100) * Math.max(0, sent));
  return Math.max(breaker.minimum, Math.min(breaker.maximum, share));
}

export interface Allotment {
  readonly released: number;
  readonly allowed: number;
  readonly before: number;
}

/** How many of `wanted` are released now; the rest is held. */
export function allot(
  counter: DefinitionCounter,
  breaker: DeleteBreaker,
  nowMs: number,
  wanted: number,
): Allotment {
  const before = releasedInWindow(counter, breaker, nowMs);
  const allowed = allowance(breaker, counter.sent);
  return { released: Math.max(0, Math.min(wanted, allowed - before)), allowed, before };
}
