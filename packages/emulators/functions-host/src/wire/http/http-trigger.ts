/**
 * Serves a request by a function: key, limits, body, invocation, response. The states of a request are waiting (for its
 * turn under maxConcurrentRequests), running, answered; a client that disconnects does not end the function.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { FaultPlan } from "@postern/emulator-kit";
import type { Invocation, InvocationResult, Invoker } from "../../engine/app/invoker";
import type { RpcInvocationResponse } from "../../engine/app/rpc";
import { describeError } from "../../engine/diagnostics/errors";
import type { HttpOptions } from "../../engine/config/host-json";
import type { HostLog } from "../../engine/diagnostics/log";
import { childTraceContext } from "../../engine/diagnostics/trace-context";
import { isAuthorized, type Keys } from "../../engine/app/function-keys";
import { BodyAbortedError, BodyTooLargeError, readBody, toRpcHttp } from "./request";
import { writeFunctionResponse, writeStatus } from "./response";
import type { HttpRoute } from "./route-table";

export interface HttpTriggerOptions {
  readonly invoker: Invoker;
  readonly log: HostLog;
  readonly faults: FaultPlan;
  readonly keys: Keys;
  readonly limits: HttpOptions;
  readonly maxBodyBytes: number;
  /** The load balancer in front of the service gives up after this long; the function continues. */
  readonly responseTimeoutMs: number;
  readonly deliver: (route: HttpRoute) => Invocation["deliver"];
}

const RETURN = "$return";

export class HttpTrigger {
  readonly #options: HttpTriggerOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: HttpTriggerOptions) {
    this.#options = options;
  }

  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    route: HttpRoute,
    parameters: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { keys, limits, faults } = this.#options;
    const { name } = route.fn.metadata;
    const header = request.headers["x-functions-key"];
    const key =
      (typeof header === "string" ? header : undefined) ??
      url.searchParams.get("code") ??
      undefined;
    if (!isAuthorized(keys, route.authLevel, name, key)) return writeStatus(response, 401);
    if (this.#running + this.#waiting.length >= limits.maxOutstandingRequests) {
      return writeStatus(response, 429);
    }
    const fault = faults.take("http", name);
    switch (fault?.kind) {
      case "cut":
        return void request.socket.destroy();
      case "refuse":
        return writeStatus(response, fault.status ?? 500);
      case "throttle":
        return writeStatus(response, fault.status ?? 429, {
          "retry-after": String(Math.ceil(fault.retryAfterMs / 1000)),
        });
      case "delay":
        await delay(fault.delayMs);
        break;
      case "lose-reply":
      case undefined:
    }
    await this.#turn();
    try {
      const result = await this.#run(request, response, url, route, parameters);
      if (fault?.kind === "lose-reply") return void request.socket.destroy();
      if (result) this.#answer(response, route, result, request.method === "HEAD");
    } finally {
      this.#endTurn();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < this.#options.limits.maxConcurrentRequests) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place passes to the request that has waited longest; no other can take it in between. */
  #endTurn(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }

  async #run(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    route: HttpRoute,
    parameters: Readonly<Record<string, string>>,
  ): Promise<InvocationResult | undefined> {
    const { invoker, maxBodyBytes, responseTimeoutMs, deliver } = this.#options;
    let body: Buffer;
    try {
      body = await readBody(request, maxBodyBytes);
    } catch (error) {
      if (error instanceof BodyAbortedError) return undefined;
      if (!(error instanceof BodyTooLargeError)) throw error;
      // The rest is not read: the connection is closed after the reply.
      writeStatus(response, 413, { connection: "close" });
      return undefined;
    }
    const { traceparent, tracestate } = request.headers;
    const send = deliver(route);
    const running = invoker.invoke({
      fn: route.fn,
      trigger: {
        name: route.triggerName,
        data: { http: toRpcHttp(request, url, parameters, body) },
      },
      traceContext: childTraceContext(
        typeof traceparent === "string" ? traceparent : undefined,
        typeof tracestate === "string" ? tracestate : undefined,
        route.fn.metadata.name,
      ),
      ...(send === undefined ? {} : { deliver: send }),
    });
    const frontTimer = setTimeout(() => writeStatus(response, 504), responseTimeoutMs).unref();
    try {
      return await running;
    } finally {
      clearTimeout(frontTimer);
    }
  }

  #answer(
    response: ServerResponse,
    route: HttpRoute,
    result: InvocationResult,
    isHead: boolean,
  ): void {
    if (response.headersSent || response.destroyed) return;
    switch (result.kind) {
      case "failed":
      case "timed-out":
        return writeStatus(response, 500);
      case "succeeded": {
        const data = httpOutput(result.response, route);
        // A function that returns nothing yields 204.
        if (data === undefined) return writeStatus(response, 204);
        try {
          return writeFunctionResponse(response, data, isHead);
        } catch (error) {
          const { name } = route.fn.metadata;
          this.#options.log.write(
            "error",
            `The response cannot be sent: ${describeError(error)}`,
            name,
          );
          for (const header of response.getHeaderNames()) response.removeHeader(header);
          return writeStatus(response, 500);
        }
      }
    }
  }
}

function httpOutput(response: RpcInvocationResponse, route: HttpRoute) {
  const { bindings } = route.fn.metadata;
  const isHttp = (name: string): boolean => bindings[name]?.type?.toLowerCase() === "http";
  if (isHttp(RETURN)) return response.returnValue?.http;
  return response.outputData?.find(({ name }) => isHttp(name))?.data.http;
}
