import { type JobMessage, jobKinds, PosternError } from "@postern/contracts";
import type { DeadLetterReason } from "../ports/broker";
import type { AttemptReply } from "../ports/control-api";

/**
 * What an agent does with a job message. It first leases an attempt over HTTP, then completes the message, then runs: from
 * the lease on the cloud knows who has the job, and a lost lease is put back into the queue by the cloud, not by the broker.
 */
export type LeaseDecision =
  | { readonly kind: "run"; readonly attempt: number }
  /** Someone else has it, or it is over (as a conflict that stays tells): the message has done its work. */
  | { readonly kind: "drop" };

export function decideLease(reply: AttemptReply): LeaseDecision {
  switch (reply.kind) {
    case "leased":
      return { kind: "run", attempt: reply.attempt };
    case "held":
    case "gone":
    case "conflict":
      return { kind: "drop" };
  }
}

/** Why this agent cannot run a job at all; undefined when it can. */
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
        text: `$.${field}: the job is for '${found}', this queue is of '${wanted}'. Send it to the queue that it names.`,
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

/** Time left for a job: its own time-out, counted from when this agent leased it. */
export function jobBudgetMs(job: JobMessage): number {
  return job.timeoutSeconds * 1_000;
}

export function isMessageFault(error: unknown): error is PosternError {
  return error instanceof PosternError;
}
