/** Finds the route of a method and a path. Literal segments come before parameters in the table, so they win. */
import { deletedItemRoutes } from "./deleted-item-routes";
import { deltaRoutes } from "./delta-routes";
import { GraphError, malformed, noSuchSegment } from "../errors/graph-error";
import type { Route } from "./graph-service";
import { objectRoutes } from "./object-routes";
import { relationRoutes } from "./relation-routes";

interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly string[];
}

const compiled: readonly CompiledRoute[] = [
  ...deltaRoutes,
  ...relationRoutes,
  ...deletedItemRoutes,
  ...objectRoutes,
]
  .map((route) => ({ route, segments: route.path.split("/") }))
  .sort((a, b) => parameters(a) - parameters(b));

function parameters({ segments }: CompiledRoute): number {
  return segments.filter((segment) => segment.startsWith(":")).length;
}

export interface RouteMatch {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
  readonly path: string;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw malformed(
      `The path is not properly encoded: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

/** Segments of a path: `users('x')` is `users/x`, `delta()` and `microsoft.graph.delta` are `delta`. */
function segmentsOf(path: string): string[] {
  const segments = path
    .split("/")
    .filter((segment) => segment !== "")
    .map(decodeSegment)
    .flatMap((segment) => {
      const keyed = /^(\w+)\('(.+)'\)$/.exec(segment);
      return keyed?.[1] === undefined || keyed[2] === undefined ? [segment] : [keyed[1], keyed[2]];
    });
  return segments.map((segment) => {
    if (segment === "delta()" || /^microsoft\.graph\.delta(\(\))?$/i.test(segment)) return "delta";
    return /^microsoft\.graph\.restore$/i.test(segment) ? "restore" : segment;
  });
}

function match(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (expected.startsWith(":")) parameters[expected.slice(1)] = segment;
    else if (expected.toLowerCase() !== segment.toLowerCase()) return undefined;
  }
  return parameters;
}

/**
 * Finds the route of a path below the version.
 *
 * @throws GraphError 405 if the path has no such method, 400 if there is no such path
 */
export function findRoute(method: string, path: string): RouteMatch {
  const segments = segmentsOf(path);
  let pathExists = false;
  for (const { route, segments: pattern } of compiled) {
    const parameters = match(pattern, segments);
    if (parameters === undefined) continue;
    if (route.method === method) return { route, parameters, path: segments.join("/") };
    pathExists = true;
  }
  if (pathExists)
    throw new GraphError(
      405,
      "MethodNotAllowed",
      `Specified HTTP method is not allowed for the request target: ${method} ${path}.`,
    );
  throw noSuchSegment(segments.at(-1) ?? "");
}
