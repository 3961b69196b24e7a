/** The description of the API itself. */
import { z } from "zod";
import type { Route } from "./route";

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
