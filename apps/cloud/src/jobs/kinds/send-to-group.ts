import {
  eventProperties,
  JOB_MESSAGE_TYPE,
  type JobMessage,
  jobsQueueName,
  MessageId,
} from "@postern/contracts";
import type { Stamp } from "../../ports/cloud-ports";
import type { MessageBus } from "../../ports/message-bus";
import type { WallClock } from "@postern/runtime";
import type { JobRecord } from "../job";
import type { Dispatch } from "../job-kind";

export interface GroupQueuePorts {
  readonly stamp: Stamp;
  readonly clock: WallClock;
  readonly bus: MessageBus;
}

/** Dispatches a job of a kind that runs on agents: a message to the queue of its worker group. */
export async function sendToGroup(ports: GroupQueuePorts, job: JobRecord): Promise<Dispatch> {
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
  return { sent: true };
}
