import type { JobId } from "@postern/contracts";
import { timeSortedId } from "@postern/runtime";

/** @param next gives 0 <= value < 1 */
export function newJobId(nowMs: number, next: () => number): JobId {
  return `j${timeSortedId(nowMs, next)}` as JobId;
}
