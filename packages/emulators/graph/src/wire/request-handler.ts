/**
 * One HTTP request from the wire to the routes and back: path, token, roles, body, and errors in Graph's form. A reply
 * leaves only after everything that it may show is on disk.
 */
import { randomUUID } from "node:crypto";
import {
  type FaultPlan,
  type HttpsReply,
  type HttpsRequest,
  parseExactJson,
  type Refusal,
} from "@postern/emulator-kit";
import { serveBatch } from "./batch";
import type { Caller, TokenVerifier } from "./tokens/bearer-token";
import { errorBody, GraphError, malformed } from "./errors/graph-error";
import { refusalError } from "./errors/refusal-error";
import {
  type Call,
  type GraphReply,
  type GraphService,
  type InnerRequest,
} from "./routes/graph-service";
import { parseQueryOptions } from "./odata/query-options";
import { findRoute, type RouteMatch } from "./routes/router";

export interface RequestHandler {
  classify(request: HttpsRequest): { operation: string; resource: string };
  serve(request: HttpsRequest): Promise<HttpsReply>;
  refuse(request: HttpsRequest, refusal: Refusal): HttpsReply;
}

const VERSION = "/v1.0/";
const contentType =
  "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

function split(url: string): { path: string; query: string } {
  const mark = url.indexOf("?");
  return mark < 0
    ? { path: url, query: "" }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

function header(request: HttpsRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return parseExactJson(body.toString("utf8"));
  } catch (cause) {
    throw new GraphError(
      400,
      "BadRequest",
      "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
      { cause },
    );
  }
}

function hasRole(caller: Caller, { route }: RouteMatch): boolean {
  const wide =
    route.access === "read"
      ? ["Directory.Read.All", "Directory.ReadWrite.All"]
      : ["Directory.ReadWrite.All"];
  return caller.roles.some((role) => wide.includes(role) || route.roles.includes(role));
}

export function requestHandler(options: {
  readonly service: GraphService;
  readonly verifier: TokenVerifier;
  readonly faults: FaultPlan;
  readonly maxBodyBytes: number;
  /** Host and port as clients may write them; links use the first if a request names another. */
  readonly hosts: () => readonly string[];
}): RequestHandler {
  const { service, verifier, faults, maxBodyBytes } = options;

  function baseUrl(request: HttpsRequest): string {
    const [usual = "localhost"] = options.hosts();
    const host = header(request, "host") ?? usual;
    return `https://${options.hosts().includes(host) ? host : usual}/v1.0`;
  }

  function reply(request: HttpsRequest, { status, body, headers }: GraphReply): HttpsReply {
    const requestId = randomUUID();
    const common = {
      "request-id": requestId,
      "client-request-id": header(request, "client-request-id") ?? requestId,
      "odata-version": "4.0",
      "cache-control": "no-cache",
      ...headers,
    };
    if (body === undefined) return { status, headers: common };
    if (typeof body === "number")
      return { status, headers: { ...common, "content-type": "text/plain" }, body: String(body) };
    return {
      status,
      headers: { ...common, "content-type": contentType },
      body: JSON.stringify(body),
    };
  }

  function errorReply(request: HttpsRequest, error: unknown): HttpsReply {
    const known =
      error instanceof GraphError ? error : refusalError({ kind: "failed", error }, maxBodyBytes);
    const requestId = randomUUID();
    const clientRequestId = header(request, "client-request-id") ?? requestId;
    const { headers } = known;
    const sent = reply(request, {
      status: known.status,
      body: errorBody(known, { requestId, clientRequestId }),
      headers,
    });
    return { ...sent, headers: { ...sent.headers, "request-id": requestId } };
  }

  function below(request: HttpsRequest): string {
    if (!request.target.toLowerCase().startsWith(VERSION)) {
      const version = /^\/([^/?]*)/.exec(request.target)?.[1] ?? "";
      throw malformed(`Invalid version: ${version}`);
    }
    return request.target.slice(VERSION.length);
  }

  function carryOut(inner: InnerRequest, base: string, caller: Caller): GraphReply {
    const { path, query } = split(inner.url);
    const match = findRoute(inner.method, path);
    service.counters.add(`requests.${match.route.operation}`);
    if (!hasRole(caller, match)) {
      throw new GraphError(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
      );
    }
    const call: Call = {
      method: inner.method,
      path: match.path,
      parameters: match.parameters,
      options: parseQueryOptions(query),
      header: (name) => inner.header(name),
      body: inner.method === "GET" || inner.method === "DELETE" ? undefined : inner.body(),
      baseUrl: base,
    };
    return match.route.handle(service, call);
  }

  async function serve(request: HttpsRequest): Promise<HttpsReply> {
    service.counters.add("requests");
    try {
      const url = below(request);
      const caller = await verifier.verify(header(request, "authorization"));
      const base = baseUrl(request);
      const run = (inner: InnerRequest): GraphReply => carryOut(inner, base, caller);
      const isBatch = request.method === "POST" && split(url).path.toLowerCase() === "$batch";
      const result = isBatch
        ? await serveBatch(service, faults, parseBody(request.body), run)
        : run({
            method: request.method,
            url,
            header: (name) => header(request, name),
            body: () => parseBody(request.body),
          });
      await service.store.settled();
      return result === "cut" ? { status: 500, drop: true } : reply(request, result);
    } catch (error) {
      return errorReply(request, error);
    }
  }

  return {
    classify: (request) => {
      const { path } = split(request.target);
      const [, rest = ""] = /^\/v1\.0\/(.*)$/i.exec(path) ?? [];
      if (rest.toLowerCase() === "$batch") return { operation: "batch", resource: path };
      try {
        return { operation: findRoute(request.method, rest).route.operation, resource: path };
      } catch {
        return { operation: "unknown", resource: path };
      }
    },
    serve,
    refuse: (request, refusal) => {
      service.counters.add("requests");
      if (refusal.kind === "throttle") service.counters.add("throttled");
      return errorReply(request, refusalError(refusal, maxBodyBytes));
    },
  };
}
