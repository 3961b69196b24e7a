/**
 * An https server that applies the fault plan to each request before and after the emulator serves it. The emulator
 * classifies a request (operation and resource), serves it, and words a refusal as its service does; everything about
 * sockets is here. It never retries, and it never replies twice.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { LocalCertificates } from "./certificates";
import type { Fault, FaultPlan } from "./faults";
import { closeServer, listenOnLoopback } from "./loopback-server";
import { readRequestBody } from "./request-body";

export interface HttpsRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpsReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Drop the connection instead of sending this reply. */
  readonly drop?: boolean;
}

export interface HttpsServiceOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly certificates: LocalCertificates;
  readonly faults: FaultPlan;
  readonly maxBodyBytes: number;
  classify(request: HttpsRequest): { readonly operation: string; readonly resource: string };
  serve(request: HttpsRequest): Promise<HttpsReply>;
  /**
   * The reply for a `refuse` or `throttle` fault, a body that is too large (413) or a failure of the emulator itself
   * (500).
   */
  refuse(request: HttpsRequest, refusal: Refusal): HttpsReply;
}

export type Refusal =
  | { readonly kind: "refuse"; readonly status: number | undefined }
  | { readonly kind: "throttle"; readonly retryAfterMs: number }
  | { readonly kind: "too-large" }
  | { readonly kind: "failed"; readonly error: unknown };

export interface HttpsService {
  readonly port: number;
  close(): Promise<void>;
}

// Longer than clients keep idle connections, so that the client always closes first.
const KEEP_ALIVE_MS = 120_000;

/** Waits for a body only where one may come: most requests are a GET without one. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const hasBody = request.headers["content-length"] !== undefined || request.method !== "GET";
  if (hasBody) return readRequestBody(request, maxBytes);
  request.resume();
  return Buffer.alloc(0);
}

function refusalOf(fault: Fault): Refusal | undefined {
  switch (fault.kind) {
    case "refuse":
      return { kind: "refuse", status: fault.status };
    case "throttle":
      return { kind: "throttle", retryAfterMs: fault.retryAfterMs };
    case "delay":
    case "cut":
    case "lose-reply":
      return undefined;
  }
}

async function serveUnderFaults(
  options: HttpsServiceOptions,
  request: HttpsRequest,
): Promise<HttpsReply | undefined> {
  const { operation, resource } = options.classify(request);
  const fault = options.faults.take(operation, resource);
  if (fault === undefined) return options.serve(request);
  const refusal = refusalOf(fault);
  if (refusal !== undefined) return options.refuse(request, refusal);
  if (fault.kind === "cut") return undefined;
  if (fault.kind === "delay") await sleep(fault.delayMs);
  const reply = await options.serve(request);
  return fault.kind === "lose-reply" ? undefined : reply;
}

async function handle(
  options: HttpsServiceOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(message, options.maxBodyBytes);
  const request: HttpsRequest = {
    method: message.method ?? "GET",
    target: message.url ?? "/",
    headers: message.headers,
    body: body ?? Buffer.alloc(0),
  };
  let reply: HttpsReply | undefined;
  try {
    reply =
      body === undefined
        ? options.refuse(request, { kind: "too-large" })
        : await serveUnderFaults(options, request);
  } catch (error) {
    reply = options.refuse(request, { kind: "failed", error });
  }
  if (reply === undefined || reply.drop === true) {
    message.socket.destroy();
    return;
  }
  const payload = Buffer.from(reply.body ?? "");
  response.writeHead(reply.status, { ...reply.headers, "content-length": String(payload.length) });
  response.end(payload);
}

/** Starts an https server on loopback; see {@link HttpsServiceOptions}. */
export async function startHttpsService(options: HttpsServiceOptions): Promise<HttpsService> {
  const { certificates } = options;
  const server = createServer(
    {
      key: readFileSync(certificates.keyFile),
      cert: readFileSync(certificates.certFile),
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (message, response) => {
      // Only a broken connection gets here: there is no client left to reply to.
      handle(options, message, response).catch(() => message.socket.destroy());
    },
  );
  server.on("secureConnection", (socket: Socket) => socket.setNoDelay(true));
  const port = await listenOnLoopback(server, options.port);
  return { port, close: () => closeServer(server) };
}
