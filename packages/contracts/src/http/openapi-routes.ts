/** The description of the API itself. */
import { z } from "zod";
import type { Route } from "./route";

export const openapiRoutes = [
  {
    method: "GET",
    path: "openapi.json",
    operationId: "getOpenApi",
    summary: "This interface as OpenAPI 3.1",
    roles: [],
    responses: { 200: { description: "The document", schema: z.looseObject({}) } },
  },
] as const satisfies readonly Route[];
