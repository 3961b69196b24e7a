import { changeJob } from "./job-change";
import { dispatchJob } from "./job-dispatch";
import type { JobPorts } from "./job-ports";

/** Whoever accepted a job is still busy sending it for this long: no need to send it twice. */
const UNSENT_GRACE_MS = 5_000;
const AT_ONCE = 100;

/**
 * Looks after jobs that nobody reads: ends those past their deadline, takes lost leases back, and sends what is not sent.
 * Called by a timer; returns how many it looked at. Safe to run at several places at once.
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
