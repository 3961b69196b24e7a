/**
 * Every route of the HTTP API. Handlers, authorisation tests, clients and the OpenAPI document are made from this
 * table.
 */
import { agentControlRoutes } from "./agent-control-routes";
import { agentRoutes } from "./agent-routes";
import { cycleRoutes } from "./cycle-routes";
import { deadLetterRoutes } from "./dead-letter-routes";
import { healthRoutes, openapiRoutes } from "./service-routes";
import { holdRoutes } from "./hold-routes";
import { jobRoutes } from "./job-routes";
import { parkedRoutes } from "./parked-routes";
import { securityRoutes } from "./security-routes";
import { syncRoutes } from "./sync-routes";
import type { Route } from "./route";

export const routes = [
  ...jobRoutes,
  ...agentControlRoutes,
  ...syncRoutes,
  ...cycleRoutes,
  ...holdRoutes,
  ...agentRoutes,
  ...deadLetterRoutes,
  ...parkedRoutes,
  ...securityRoutes,
  ...healthRoutes,
  ...openapiRoutes,
] as const satisfies readonly Route[];

export type OperationId = (typeof routes)[number]["operationId"];
