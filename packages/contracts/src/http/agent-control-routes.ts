/** What agents call. A table of its own, so that the agent's bundle holds the schemas of no other route. */
import { z } from "zod";
import { Heartbeat, HeartbeatReply } from "../agent";
import { AttemptRequest, JobLease } from "../job";
import { AgentId, JobId } from "../words/ids";
import type { Route } from "./route";

export const agentControlRoutes = [
  {
    method: "POST",
    path: "jobs/{id}/attempts",
    operationId: "leaseAttempt",
    summary: "Lease an attempt of a job (agents)",
    roles: ["Agent"],
    params: z.strictObject({ id: JobId }),
    body: AttemptRequest,
    responses: { 201: { description: "The attempt is leased", schema: JobLease } },
    problems: ["not-found", "attempt-held", "conflict"],
  },
  {
    method: "POST",
    path: "agents/{id}/heartbeat",
    operationId: "heartbeat",
    summary: "Register an agent, or report that it is alive (agents)",
    roles: ["Agent"],
    params: z.strictObject({ id: AgentId }),
    body: Heartbeat,
    // 1,000 jobs in flight with their progress, and 200 targets with a reason each.
    maxBodyBytes: 1024 * 1024,
    responses: { 200: { description: "Noted", schema: HeartbeatReply } },
    problems: ["conflict"],
  },
] as const satisfies readonly Route[];
