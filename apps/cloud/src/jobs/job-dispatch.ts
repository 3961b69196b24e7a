import { changeJob } from "./job-change";
import { failJob, type JobRecord } from "./job";
import type { Dispatch } from "./job-kind";
import type { JobPorts } from "./job-ports";
import { ServiceUnavailable } from "@postern/runtime";
import type { Stored } from "../ports/stores";

/**
 * Sends a queued job on its way: a message to the group's queue, or an on-demand read of the sync. The document is
 * there before the message; that it was sent is noted after. A crash in between leaves `dispatchedAt` null, and any
 * reader that sees that sends again: the message id is the same (so the broker drops the second), and an agent leases
 * before it acts.
 */
export async function dispatchJob(ports: JobPorts, stored: Stored<JobRecord>): Promise<JobRecord> {
  const job = stored.value;
  if (job.state !== "queued" || job.dispatchedAt !== null) return job;
  let dispatch: Dispatch;
  try {
    dispatch = await ports.kinds(job.kind).dispatch(job);
  } catch (error) {
    if (!(error instanceof ServiceUnavailable)) throw error;
    // Accepted anyway: the job is stored, and the timer sends what is not sent.
    ports.logger.warn("job.send-failed", { jobId: job.id, service: error.service });
    return job;
  }
  const noted = await changeJob(ports, job.id, (current, now) => {
    if (!dispatch.sent) return failJob(current, dispatch.detail, now);
    const unsent = current.state === "queued" && current.attemptsMade === job.attemptsMade;
    return unsent && current.dispatchedAt === null
      ? { ...current, dispatchedAt: new Date(now).toISOString() }
      : current;
  });
  return noted?.value ?? job;
}
