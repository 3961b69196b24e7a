import {
  type AgentId,
  type JobAttempt,
  type JobId,
  type JobLease,
  PosternError,
} from "@postern/contracts";
import { type AgentIdentity, isIdentity } from "../agents/agent";
import { type LeaseDecision, leaseJob } from "./job";
import { changeJob } from "./job-change";
import type { JobPorts } from "./job-ports";
import { leaseProof, signerNow } from "../proofs/signing";

/**
 * Leases an attempt of a job to an agent, which must have registered with the identity that asks. The lease comes with
 * the proof that the result has to give back.
 *
 * @throws ServiceUnavailable when there is no key to prove it with
 * @throws PosternError `not-found`, `not-authorised`, `attempt-held`, `conflict` (over, or not for agents)
 */
export async function leaseAttempt(
  ports: JobPorts,
  id: JobId,
  agentId: AgentId,
  identity: AgentIdentity,
): Promise<JobLease> {
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
  const attempt = attemptOf(decision, id);
  const { tenant, branch } = ports.stamp;
  const facts = { tenant, branch, group: agent.group, jobId: id, agent: agent.id };
  // Of the time of the lease: an agent that asks again is given the same.
  const signer = { ...(await signerNow(ports)), at: attempt.leasedAt };
  const proof = leaseProof(signer, { ...facts, attempt: attempt.attempt });
  return { ...attempt, proof };
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
