import type { CycleId, JobId } from "@postern/contracts";

/** Characters of a cycle id (`CycleId` of the contracts). */
const CYCLE_ID_CHARS = 64;

/** `c20260131T070000000Z`: sorts by time; `suffix` sets apart what begins in the same millisecond. */
export function cycleIdAt(ms: number, suffix = ""): CycleId {
  const time = new Date(ms).toISOString().replace(/[-:.]/g, "");
  return `c${time}${suffix === "" ? "" : `-${suffix}`}`.slice(0, CYCLE_ID_CHARS) as CycleId;
}

/** The cycle of an on-demand job: made from the job, so that asking twice is one cycle. */
export function onDemandCycleId(jobId: JobId): CycleId {
  return `j-${jobId}`.slice(0, CYCLE_ID_CHARS) as CycleId;
}
