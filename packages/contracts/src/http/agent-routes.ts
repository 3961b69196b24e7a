/** Agents and their heartbeats. */
import { z } from "zod";
import { AgentView, Heartbeat, HeartbeatReply } from "../agent";
import { AgentId } from "../words/ids";
import { listPage, listQuery, type Route } from "./route";

export const AgentList = listPage(AgentView);

export const agentRoutes = [
  {
    method: "GET",
    path: "agents",
    operationId: "listAgents",
    summary: "List agents",
    roles: ["Reader", "Operator"],
    query: listQuery,
    responses: { 200: { description: "A page of agents", schema: AgentList } },
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
