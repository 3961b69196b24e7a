import type { AgentId, Heartbeat, JobId } from "@postern/contracts";
import { jobsToStop } from "./job";
import type { JobStore } from "./job-ports";

/** Which of the jobs that an agent lists in its heartbeat it has to stop. */
export async function cancellationsOf(
  { jobStore }: { readonly jobStore: Pick<JobStore, "readMany"> },
  agent: AgentId,
  running: Heartbeat["jobs"],
  nowMs: number,
): Promise<JobId[]> {
  if (running.length === 0) return [];
  const known = await jobStore.readMany(running.map(({ jobId }) => jobId));
  return jobsToStop(agent, running, known, nowMs);
}
