import {
  app,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import type { HttpMethod } from "@azure/functions";
import type { Platform } from "./platform";
import type { ApiReply } from "../http/api-reply";
import { createApi } from "./api";
import type { ApiRequest } from "../http/endpoint";
import { unknownRouteReply } from "../http/unknown-route";

const allMethods: HttpMethod[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
];

/** Registers a function for each route of the contracts' table, and one for every request that matches none. */
export function registerHttpFunctions(platform: Platform): void {
  for (const { operationId, route, run } of createApi(platform)) {
    app.http(operationId, {
      methods: route.method === "GET" ? ["GET", "HEAD"] : [route.method],
      route: route.path,
      // Callers are identified by their Entra token, which the app itself verifies. A function key is shared, has no
      // roles and no expiry; as a second lock it would only be one more secret to keep.
      authLevel: "anonymous",
      handler: (request, context) =>
        platform.tracing.span(
          `http ${operationId}`,
          { parent: context.traceContext?.traceParent, attributes: { "http.route": route.path } },
          async (span) => {
            const reply = await run(apiRequest(platform, request, context));
            span.set({ "http.response.status_code": reply.status });
            return responseOf(request, reply);
          },
        ),
    });
  }
  app.http("unknownRoute", {
    methods: allMethods,
    route: "{*path}",
    authLevel: "anonymous",
    handler: async (request, context) =>
      responseOf(request, unknownRouteReply(apiRequest(platform, request, context))),
  });
}

function apiRequest(
  platform: Platform,
  request: HttpRequest,
  context: InvocationContext,
): ApiRequest {
  const url = new URL(request.url);
  const traceparent = platform.tracing.traceparent() ?? context.traceContext?.traceParent ?? null;
  return {
    method: request.method,
    path: url.pathname,
    params: request.params,
    // Not request.query: the host passes a dictionary, in which a repeated parameter is one value.
    query: url.searchParams,
    headers: new Headers([...request.headers]),
    body: request.body,
    traceId: traceIdOf(traceparent) ?? platform.random.uuid().replaceAll("-", ""),
    traceparent,
  };
}

function traceIdOf(traceparent: string | null): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? "")?.[1];
}

function responseOf(request: HttpRequest, reply: ApiReply): HttpResponseInit {
  const { status, headers, body } = reply;
  return {
    status,
    headers: { ...headers },
    ...(body === undefined || request.method === "HEAD" ? {} : { body: JSON.stringify(body) }),
  };
}
