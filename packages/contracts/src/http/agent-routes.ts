/** Agents, as people see them. */
import { AgentView } from "../agent";
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
] as const satisfies readonly Route[];
