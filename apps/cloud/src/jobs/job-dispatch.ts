import {
  eventProperties,
  JOB_MESSAGE_TYPE,
  type JobMessage,
  jobKinds,
  jobsQueueName,
  MessageId,
  SyncEntitiesParameters,
} from "@postern/contracts";
import { changeJob } from "./job-change";
import { failJob, type JobRecord } from "./job";
import type { JobPorts } from "./job-ports";
import { ServiceUnavailable } from "@postern/runtime";
import type { Stored } from "../ports/stores";

/**
 * Sends a queued job on its way: a message to the group's queue, or an on-demand read of the sync. The document is there
 * before the message; that it was sent is noted after. A crash in between leaves `dispatchedAt` null, and whoever sees
 * that sends again: the message id is the same (so the broker drops the second), and an agent leases before it acts.
 */
export async function dispatchJob(ports: JobPorts, stored: Stored<JobRecord>): Promise<JobRecord> {
  const job = stored.value;
  if (job.state !== "queued" || job.dispatchedAt !== null) return job;
  let sent: boolean;
  try {
    sent = await send(ports, job);
  } catch (error) {
    if (!(error instanceof ServiceUnavailable)) throw error;
    // Accepted all the same: the job is stored, and the timer sends what is not sent.
    ports.logger.warn("job not sent yet", { jobId: job.id, service: error.service });
    return job;
  }
  const noted = await changeJob(ports, job.id, (current, now) => {
    if (!sent) return failJob(current, "There is no such sync definition any more.", now);
    const unsent = current.state === "queued" && current.attemptsMade === job.attemptsMade;
    return unsent && current.dispatchedAt === null
      ? { ...current, dispatchedAt: new Date(now).toISOString() }
      : current;
  });
  return noted?.value ?? job;
}

async function send(ports: JobPorts, job: JobRecord): Promise<boolean> {
  switch (jobKinds[job.kind].runsOn) {
    case "agent":
      await sendToGroup(ports, job);
      return true;
    case "cloud": {
      const { definition, entities } = SyncEntitiesParameters.parse(job.parameters);
      return ports.startOnDemand({ jobId: job.id, definition, entities });
    }
  }
}

async function sendToGroup(ports: JobPorts, job: JobRecord): Promise<void> {
  const { stamp, clock, bus } = ports;
  // One id per attempt to be made: a re-queued job is a new message, a repeated send is not.
  const messageId = MessageId.parse(`${job.id}#${job.attemptsMade + 1}`);
  const message: JobMessage = {
    messageId,
    tenant: stamp.tenant,
    branch: stamp.branch,
    jobId: job.id,
    kind: job.kind,
    group: job.group,
    parameters: job.parameters,
    timeoutSeconds: job.timeoutSeconds,
  };
  const properties = eventProperties({
    id: messageId,
    source: stamp.source,
    type: JOB_MESSAGE_TYPE,
    time: new Date(clock.now()).toISOString(),
    subject: job.id,
    ...(job.traceparent === null ? {} : { traceparent: job.traceparent }),
  });
  await bus.send(jobsQueueName(job.group), [
    { messageId, body: JSON.stringify(message), properties },
  ]);
}
