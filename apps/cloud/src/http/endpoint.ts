import { type OperationId, type Route, routes } from "@postern/contracts";
import type { z } from "zod";
import { type Caller, type CallerOf, requireRole } from "./access-token";
import { type ApiReply, commonHeaders } from "./api-reply";
import { problemReply } from "./problem-reply";
import { type RawRequest, readInput } from "./request-input";

/**
 * One route of the table with its handler: authenticate, authorise, read and validate, handle, reply. In that order, so
 * that a caller without the role learns only that the route exists, and no body is read for that caller.
 */
type RouteOf<Op extends OperationId> = Extract<(typeof routes)[number], { operationId: Op }>;
type OutputOf<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Part<R, Name extends string> = Name extends keyof R ? OutputOf<R[Name]> : undefined;

/** A request as a handler sees it: its parts have the types of the route's schemas. */
interface Call<Op extends OperationId> {
  readonly params: Part<RouteOf<Op>, "params">;
  readonly query: Part<RouteOf<Op>, "query">;
  readonly headers: Part<RouteOf<Op>, "headers">;
  readonly body: Part<RouteOf<Op>, "body">;
  /** Undefined on anonymous routes only. */
  readonly caller: RouteOf<Op>["roles"] extends readonly [] ? undefined : Caller;
  readonly traceId: string;
  /** W3C trace context of the request, for the work that it starts; null when nothing is traced. */
  readonly traceparent: string | null;
}

type Responses<Op extends OperationId> = RouteOf<Op>["responses"];
/** A reply that the route's table knows: the body has the type of its status. */
type Reply<Op extends OperationId> = {
  [Status in keyof Responses<Op>]: {
    readonly status: Status;
    readonly body: Responses<Op>[Status] extends { schema: infer Schema extends z.ZodType }
      ? z.input<Schema>
      : undefined;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof Responses<Op>];

type Handler<Op extends OperationId> = (call: Call<Op>) => Promise<Reply<Op>>;
export type Handlers = { readonly [Op in OperationId]: Handler<Op> };

export interface ApiRequest extends RawRequest {
  readonly method: string;
  readonly path: string;
  readonly traceId: string;
  readonly traceparent: string | null;
}

/** Reported for every request, to the log and the audit trail. */
export interface RequestReport {
  readonly operationId: OperationId;
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly status: number;
  readonly traceId: string;
  readonly durationMs: number;
  readonly caller: Caller | undefined;
  /** Path of the resource that was created, if one was. */
  readonly location: string | undefined;
  /** Set when the reply is an error. */
  readonly error: unknown;
}

export interface EndpointContext {
  readonly callerOf: CallerOf;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Awaited before the reply is sent; must not throw. */
  readonly report: (report: RequestReport) => Promise<void>;
}

export interface Endpoint {
  readonly operationId: OperationId;
  readonly route: Route;
  readonly run: (request: ApiRequest) => Promise<ApiReply>;
}

export function endpoints(handlers: Handlers, context: EndpointContext): Endpoint[] {
  return routes.map(({ operationId }) => endpoint(operationId, handlers, context));
}

function endpoint<Op extends OperationId>(
  operationId: Op,
  handlers: Handlers,
  context: EndpointContext,
): Endpoint {
  const route: Route = routeOf(operationId);
  const handler: Handler<Op> = handlers[operationId];
  return {
    operationId,
    route,
    run: async (request) => {
      const startedMs = context.now();
      const { traceId, traceparent } = request;
      let caller: Caller | undefined;
      let error: unknown;
      let reply: ApiReply;
      try {
        if (route.roles.length > 0) {
          caller = await context.callerOf(request.headers.get("authorization"));
          requireRole(caller, route.roles);
        }
        const input = await readInput(route, request);
        // The schemas of this very route have just made these values, which is what Call<Op> says; the compiler cannot
        // follow a table from row to type.
        const call = { ...input, caller, traceId, traceparent } as Call<Op>;
        reply = replyOf(await handler(call));
      } catch (caught) {
        error = caught;
        reply = problemReply(caught, { traceId, instance: request.path });
      }
      await context.report({
        operationId,
        method: request.method,
        path: request.path,
        params: request.params,
        status: reply.status,
        traceId,
        durationMs: context.now() - startedMs,
        caller,
        location: reply.headers["Location"],
        error,
      });
      return { ...reply, headers: { ...commonHeaders, ...reply.headers } };
    },
  };
}

function replyOf(reply: {
  readonly status: PropertyKey;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}): ApiReply {
  return {
    status: Number(reply.status),
    headers: { "content-type": "application/json", ...reply.headers },
    body: reply.body,
  };
}

function routeOf(operationId: OperationId): Route {
  const route = routes.find((candidate) => candidate.operationId === operationId);
  if (route === undefined) throw new RangeError(`no route has the operation '${operationId}'`);
  return route;
}
