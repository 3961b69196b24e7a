import { type AgentId, type JobId, PosternError } from "@postern/contracts";
import type { AgentRecord } from "../agents/agent";
import { type JobRecord, settleJob } from "./job";
import type { AgentStore } from "../agents/agent-ports";
import type { JobStore } from "./job-ports";
import type { WallClock } from "@postern/runtime";
import type { Stored } from "../ports/stores";

/** The concurrent writers of one job are its agent, its result and a few readers: each loses a few times at most. */
const MAX_TRIES = 8;

export interface JobChangePorts {
  readonly jobStore: JobStore;
  readonly agents: Pick<AgentStore, "read">;
  readonly clock: WallClock;
}

/**
 * Reads a job, brings it up to date, lets `change` decide on that, and stores the result; again from the start when
 * another writer was faster. Undefined when there is no such job.
 *
 * @param change the job to store; the one it was given when there is nothing to change
 */
export async function changeJob(
  ports: JobChangePorts,
  id: JobId,
  change: (settled: JobRecord, now: number) => JobRecord = (settled) => settled,
): Promise<Stored<JobRecord> | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const stored = await ports.jobStore.read(id);
    if (stored === undefined) return undefined;
    const now = ports.clock.now();
    const changed = change(
      settleJob(stored.value, now, await holderOf(ports, stored.value, now)),
      now,
    );
    if (changed === stored.value) return stored;
    const written = await ports.jobStore.replace(changed, stored.etag);
    if (written !== undefined) return written;
  }
  throw new PosternError("conflict", `Job ${id} is being changed by too many writers; try again.`);
}

/** The agent of a lease that has run out by the job's own record: its heartbeats may have kept it. */
async function holderOf(
  ports: JobChangePorts,
  job: JobRecord,
  now: number,
): Promise<AgentRecord | undefined> {
  const agent = job.attempts.at(-1)?.agent;
  const expired = job.leaseUntil !== null && now >= Date.parse(job.leaseUntil);
  if (job.state !== "running" || agent === undefined || !expired) return undefined;
  return (await ports.agents.read(agent as AgentId))?.value;
}
