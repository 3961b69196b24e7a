/** The cloud's control API, as an agent calls it. */
import type { AgentId, Heartbeat, HeartbeatReply, JobId, LeaseProof } from "@postern/contracts";

export type AttemptReply =
  | {
      readonly kind: "leased";
      readonly attempt: number;
      readonly leaseUntil: string;
      /** The result of the attempt gives it back. */
      readonly proof: LeaseProof;
    }
  | { readonly kind: "held" }
  | { readonly kind: "gone" }
  /** The job is over. Or, temporarily, the cloud does not know this agent yet or lost a race for the job. */
  | { readonly kind: "conflict"; readonly detail: string };

export interface ControlApi {
  /** @throws OutageError */
  readonly heartbeat: (agent: AgentId, heartbeat: Heartbeat) => Promise<HeartbeatReply>;
  /** @throws OutageError when it is unknown whether the attempt is leased */
  readonly leaseAttempt: (job: JobId, agent: AgentId) => Promise<AttemptReply>;
}
