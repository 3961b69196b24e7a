import { type AgentId, type JobAttempt, type JobId, PosternError } from "@postern/contracts";
import { type AgentIdentity, isIdentity } from "../agents/agent";
import { type LeaseDecision, leaseJob } from "./job";
import { changeJob } from "./job-change";
import type { JobPorts } from "./job-ports";

/**
 * Leases an attempt of a job to an agent, which must have registered with the identity that asks.
 *
 * @throws PosternError `not-found`, `not-authorised`, `attempt-held`, `conflict` (over, or not for agents)
 */
export async function leaseAttempt(
  ports: JobPorts,
  id: JobId,
  agentId: AgentId,
  identity: AgentIdentity,
): Promise<JobAttempt> {
  const agent = (await ports.agents.read(agentId))?.value;
  if (agent === undefined)
    throw new PosternError(
      "conflict",
      `Agent '${agentId}' has not registered; send a heartbeat first.`,
    );
  if (!isIdentity(agent, identity))
    throw new PosternError("not-authorised", `Agent id '${agentId}' belongs to another identity.`);
  let decision: LeaseDecision | undefined;
  await changeJob(ports, id, (job, now) => {
    decision = leaseJob(job, agent, now);
    return decision.kind === "leased" ? decision.job : job;
  });
  return attemptOf(decision, id);
}

function attemptOf(decision: LeaseDecision | undefined, id: JobId): JobAttempt {
  switch (decision?.kind) {
    case undefined:
      throw new PosternError("not-found", `There is no job '${id}'.`);
    case "leased":
      return decision.attempt;
    case "held":
      throw new PosternError(
        "attempt-held",
        `Agent '${decision.by}' holds this job's attempt until ${decision.until} or longer.`,
      );
    case "over":
      throw new PosternError("conflict", `The job is over: ${decision.state}.`);
    case "other-group":
      throw new PosternError("not-authorised", "The job is meant for another worker group.");
    case "cloud-runs-it":
      throw new PosternError("conflict", "Jobs of this kind do not run on agents.");
  }
}
