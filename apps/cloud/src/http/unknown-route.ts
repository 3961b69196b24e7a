import { clip, limits, nearest, routes } from "@postern/contracts";
import { type ApiReply, commonHeaders } from "./api-reply";
import { problemReply } from "./problem-reply";
import { RequestError } from "./request-error";
import type { ApiRequest } from "./endpoint";

/**
 * The reply to a request that matches no route: 405 with `Allow` if the path exists, else 404 with the nearest path.
 */
export function unknownRouteReply(
  request: Pick<ApiRequest, "method" | "path" | "traceId">,
): ApiReply {
  const methods = methodsAt(request.path);
  const place = { traceId: request.traceId, instance: request.path };
  const reply = problemReply(
    methods.length > 0
      ? new RequestError(
          "method-not-allowed",
          `${request.method} is not possible here; use ${methods.join(" or ")}.`,
          { headers: { Allow: methods.join(", ") } },
        )
      : new RequestError("not-found", `There is no route here.${suggestion(request.path)}`),
    place,
  );
  return { ...reply, headers: { ...commonHeaders, ...reply.headers } };
}

function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

function fits(template: readonly string[], segments: readonly string[]): boolean {
  return (
    template.length === segments.length &&
    template.every((part, index) => part.startsWith("{") || part === segments[index]?.toLowerCase())
  );
}

function methodsAt(path: string): string[] {
  const segments = segmentsOf(path);
  const methods = routes
    .filter((route) => fits(["api", ...segmentsOf(route.path)], segments))
    .flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return [...new Set(methods)];
}

function suggestion(path: string): string {
  const known = routes.map((route) => `/api/${route.path}`);
  const found = nearest(clip(path, limits.pathChars), known);
  return found === undefined ? " GET /api/openapi.json lists all." : ` Did you mean ${found}?`;
}
