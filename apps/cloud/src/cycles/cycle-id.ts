import type { CycleId, JobId } from "@postern/contracts";

/** `c20260131T070000000Z`: sorts by time; `suffix` sets apart what begins in the same millisecond. */
export function cycleIdAt(ms: number, suffix = ""): CycleId {
  const stamp = new Date(ms).toISOString().replace(/[-:.]/g, "");
  return `c${stamp}${suffix === "" ? "" : `-${suffix}`}`.slice(0, 64) as CycleId;
}

/** The cycle of an on-demand job: made from the job, so that asking twice is one cycle. */
export function onDemandCycleId(jobId: JobId): CycleId {
  return `j-${jobId}`.slice(0, 64) as CycleId;
}
