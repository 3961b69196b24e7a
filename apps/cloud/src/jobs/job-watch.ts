import { changeJob } from "./job-change";
import { dispatchJob } from "./job-dispatch";
import type { JobPorts } from "./job-ports";

/** The request that accepted a job may still be sending it for this long: no need to send it twice. */
const UNSENT_GRACE_MS = 5_000;
const AT_ONCE = 100;

/**
 * Looks after jobs that no request reads: ends those past their deadline, takes back lost leases, and sends unsent
 * ones. Called by a timer; returns how many it looked at. Safe to run in several instances at the same time.
 */
export async function redispatchJobs(ports: JobPorts): Promise<number> {
  const now = ports.clock.now();
  const ids = await ports.jobStore.overdue({
    now: new Date(now).toISOString(),
    unsentSince: new Date(now - UNSENT_GRACE_MS).toISOString(),
    limit: AT_ONCE,
  });
  for (const id of ids) {
    const stored = await changeJob(ports, id);
    if (stored !== undefined) await dispatchJob(ports, stored);
  }
  return ids.length;
}
