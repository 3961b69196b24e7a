import {
  type ErrorCode,
  errorCodes,
  type MediaType,
  Problem,
  type Route,
  type RouteResponse,
  routes,
} from "@postern/contracts";
import type { z } from "zod";
import { openApiExamples } from "./openapi-examples";
import { componentSchemas, inlineSchema, type JsonObject } from "./openapi-schemas";

export interface OpenApiOptions {
  readonly version: string;
  /** Token issuer, whose endpoints the security scheme names. */
  readonly issuer: string;
}

const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** The HTTP interface as an OpenAPI 3.1 document, made from the route table and the schemas of the contracts. */
export function openApiDocument({ version, issuer }: OpenApiOptions): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const route of routes as readonly Route[]) {
    const path = (paths[`/api/${route.path}`] ??= {});
    path[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Postern",
      version,
      summary: "Sync definitions, jobs, agents and dead letters of one branch.",
      description:
        "Errors are problem details (RFC 9457); their `code` is one of a closed set and never changes its meaning. " +
        "Lists are read page by page with `continuation`, which is opaque.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The function app of the branch" }],
    tags: tags.map(({ name, description }) => ({ name, description })),
    security: [{ entra: [] }],
    paths,
    components: {
      schemas: componentSchemas(),
      responses: problemResponses(),
      securitySchemes: {
        entra: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: `Access token of ${issuer} with the app role that the operation names.`,
        },
      },
    },
  };
}

const tags = [
  { name: "jobs", description: "One-off work, requested by people and run by agents" },
  { name: "syncs", description: "Sync definitions, their cycles and held items" },
  { name: "agents", description: "The agents in the private network" },
  { name: "deadletters", description: "Items and messages that only a person can resolve" },
  { name: "parked", description: "Messages that wait for an agent that reads them" },
  { name: "service", description: "About the branch and this API" },
] as const;

function tagOf(route: Route): string {
  const [first = ""] = route.path.split("/");
  return tags.some(({ name }) => name === first) ? first : "service";
}

function operation(route: Route): JsonObject {
  const roles = route.roles.map((role) => `\`${role}\``).join(" or ");
  return {
    operationId: route.operationId,
    summary: route.summary,
    description: route.roles.length === 0 ? "Anonymous." : `Needs the app role ${roles}.`,
    tags: [tagOf(route)],
    ...(route.roles.length === 0 ? { security: [] } : {}),
    ...(parameters(route).length === 0 ? {} : { parameters: parameters(route) }),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, route.body) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, response]) => [
          status,
          success(route, response),
        ]),
      ),
      ...Object.fromEntries(problemsOf(route)),
    },
  };
}

function parameters(route: Route): JsonObject[] {
  const places: readonly (readonly [string, z.ZodObject | undefined])[] = [
    ["path", route.params],
    ["query", route.query],
    ["header", route.headers],
  ];
  return places.flatMap(([place, schema]) => {
    const shape: Readonly<Record<string, z.ZodType>> = schema?.shape ?? {};
    return Object.entries(shape).map(([name, of]) => ({
      name: place === "header" ? headerName(name) : name,
      in: place,
      // What may be left out has a default or is optional, and accepts undefined.
      required: place === "path" || !of.safeParse(undefined).success,
      schema: inlineSchema(of),
    }));
  });
}

/** `idempotency-key` → `Idempotency-Key`. */
function headerName(name: string): string {
  return name.replace(
    /(^|-)([a-z])/g,
    (_, dash: string, letter: string) => dash + letter.toUpperCase(),
  );
}

function requestBody(route: Route, schema: z.ZodType): JsonObject {
  const types: readonly MediaType[] = route.bodyTypes ?? ["application/json"];
  const example = openApiExamples[route.operationId]?.request;
  const content = {
    schema: inlineSchema(schema, "input"),
    ...(example === undefined ? {} : { example }),
  };
  return { required: true, content: Object.fromEntries(types.map((type) => [type, content])) };
}

function success(route: Route, response: RouteResponse): JsonObject {
  const example = openApiExamples[route.operationId]?.response;
  return {
    description: response.description,
    ...(response.headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([name, description]) => [
              name,
              { description, schema: { type: "string" } },
            ]),
          ),
        }),
    ...(response.schema === undefined
      ? {}
      : {
          content: {
            "application/json": {
              schema: inlineSchema(response.schema),
              ...(example === undefined ? {} : { example }),
            },
          },
        }),
  };
}

/** Errors by status. Several codes may share one: the response names them all. */
function problemsOf(route: Route): [string, JsonObject][] {
  const codes = new Set<ErrorCode>([
    "internal",
    "dependency-unavailable",
    ...(route.problems ?? []),
  ]);
  codes.add("request-invalid");
  if (route.roles.length > 0) codes.add("not-authenticated").add("not-authorised");
  if (route.body !== undefined) codes.add("body-too-large").add("media-type-unsupported");
  const byStatus = Map.groupBy(codes, statusOf);
  return [...byStatus]
    .filter(([status]) => !(status in route.responses))
    .toSorted(([a], [b]) => a - b)
    .map(([status, some]) => [
      String(status),
      some.length === 1 && some[0] !== undefined
        ? { $ref: `#/components/responses/${some[0]}` }
        : problemResponse(some),
    ]);
}

function statusOf(code: ErrorCode): number {
  const known: { readonly explanation: string; readonly status?: number } = errorCodes[code];
  return known.status ?? 500;
}

function problemResponse(codes: readonly ErrorCode[]): JsonObject {
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code].explanation}`).join(" "),
    ...(codes.includes("not-authenticated")
      ? {
          headers: {
            "WWW-Authenticate": { description: "RFC 6750", schema: { type: "string" } },
          },
        }
      : {}),
    content: { [PROBLEM_MEDIA_TYPE]: { schema: inlineSchema(Problem) } },
  };
}

function problemResponses(): JsonObject {
  const codes = Object.keys(errorCodes).filter(isErrorCode);
  const used = codes.filter(
    (code) => "status" in errorCodes[code] && code !== "method-not-allowed" && code !== "throttled",
  );
  return Object.fromEntries(used.map((code) => [code, problemResponse([code])]));
}

function isErrorCode(key: string): key is ErrorCode {
  return Object.hasOwn(errorCodes, key);
}
