import { type JobMessage, jobKinds, type LeaseProof, PosternError } from "@postern/contracts";
import type { DeadLetterReason } from "../ports/broker";
import type { AttemptReply } from "../ports/control-api";

/**
 * What an agent does with a job message. It leases an attempt over HTTP, then completes the message, then runs the job:
 * from the lease on the cloud knows which agent has the job, and when a lease is lost the cloud, not the broker, queues
 * the job again.
 */
export type LeaseDecision =
  | { readonly kind: "run"; readonly attempt: number; readonly proof: LeaseProof }
  /** Another agent has the job, or it is over, as a persistent conflict shows: the message is no longer needed. */
  | { readonly kind: "drop" };

export function decideLease(reply: AttemptReply): LeaseDecision {
  switch (reply.kind) {
    case "leased":
      return { kind: "run", attempt: reply.attempt, proof: reply.proof };
    case "held":
    case "gone":
    case "conflict":
      return { kind: "drop" };
  }
}

/** Why this agent cannot run a job; undefined when it can. */
export function refuseJob(
  job: JobMessage,
  here: { readonly group: string; readonly tenant: string; readonly branch: string },
  knownKinds: ReadonlySet<string>,
): DeadLetterReason | undefined {
  for (const [field, found, wanted] of [
    ["group", job.group, here.group],
    ["tenant", job.tenant, here.tenant],
    ["branch", job.branch, here.branch],
  ] as const) {
    if (found !== wanted) {
      return {
        code: "message-wrong-address",
        text: `$.${field}: the job is for '${found}', but this queue belongs to '${wanted}'. Send it to the queue that it names.`,
      };
    }
  }
  if (jobKinds[job.kind].runsOn !== "agent" || !knownKinds.has(job.kind)) {
    return {
      code: "job-kind-unknown",
      text: `This agent does not run jobs of kind '${job.kind}'; it runs ${[...knownKinds].join(", ")}. Update the agent, then create the job again.`,
    };
  }
  return undefined;
}

/** Milliseconds that a job may take: its own time-out, counted from the lease. */
export function jobBudgetMs(job: JobMessage): number {
  return job.timeoutSeconds * 1_000;
}

export function isMessageFault(error: unknown): error is PosternError {
  return error instanceof PosternError;
}
