/** The service itself: its health, and the description of its API. */
import { z } from "zod";
import type { Route } from "./route";

export const Health = z.strictObject({
  status: z.enum(["ok", "degraded"]),
  version: z.string(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      ok: z.boolean(),
      detail: z.string().optional(),
      durationMs: z.number(),
    }),
  ),
});

export const healthRoutes = [
  {
    method: "GET",
    path: "health",
    operationId: "getHealth",
    summary: "Check whether the services that the app needs respond",
    roles: [],
    responses: {
      200: { description: "Healthy", schema: Health },
      503: { description: "At least one service does not respond", schema: Health },
    },
  },
] as const satisfies readonly Route[];

export const openapiRoutes = [
  {
    method: "GET",
    path: "openapi.json",
    operationId: "getOpenApi",
    summary: "This API as an OpenAPI 3.1 document",
    roles: [],
    responses: { 200: { description: "The document", schema: z.looseObject({}) } },
  },
] as const satisfies readonly Route[];
