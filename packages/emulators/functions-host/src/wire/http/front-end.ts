/**
 * The host's HTTP server. Serving, then draining (503 for functions, the status stays readable), then closed; the host
 * changes the state.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { closeServer, listenOnLoopback } from "@postern/emulator-kit";
import { describeError } from "../../engine/diagnostics/errors";
import type { HostLog } from "../../engine/diagnostics/log";
import type { AdminEndpoints } from "./admin";
import type { HttpTrigger } from "./http-trigger";
import { writeStatus } from "./response";
import type { RouteTable } from "./route-table";

export interface FrontEndOptions {
  readonly port: number;
  readonly routes: RouteTable;
  readonly trigger: HttpTrigger;
  readonly admin: AdminEndpoints;
  readonly log: HostLog;
}

/** Kestrel's value. With Node's 5 s, clients that reuse a connection sometimes hit one that is just being closed. */
const KEEP_ALIVE_MS = 130_000;
/** Kestrel's limits: `MaxRequestHeadersTotalSize`, `MaxRequestHeaderCount`, `MaxRequestLineSize`. */
const MAX_HEADER_BYTES = 32 * 1024;
const MAX_HEADERS = 100;
const MAX_REQUEST_LINE_BYTES = 8 * 1024;
const HTTP_VERSION = " HTTP/1.1\r\n";

export class FrontEnd {
  readonly #options: FrontEndOptions;
  readonly #server: Server;
  #draining = false;

  constructor(options: FrontEndOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.#options.log.write("error", `A request failed in the host: ${describeError(error)}`);
        writeStatus(response, 500);
      });
    });
    // Long invocations are bounded by functionTimeout; only the headers and an idle body have their own limit.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
  }

  async listen(): Promise<string> {
    const port = await listenOnLoopback(this.#server, this.#options.port);
    return `http://127.0.0.1:${port}`;
  }

  drain(): void {
    this.#draining = true;
  }

  async close(): Promise<void> {
    await closeServer(this.#server);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined); // the client has disconnected
    const tooLarge = headLimit(request);
    if (tooLarge !== undefined) return writeStatus(response, tooLarge, { connection: "close" });
    const url = requestUrl(request);
    const path = url && pathSegments(url.pathname);
    if (url === undefined || path === undefined) return writeStatus(response, 400);
    const { routes, trigger, admin } = this.#options;
    if (path[0]?.toLowerCase() === "admin") return admin.serve(request, response, path);
    if (this.#draining)
      return writeStatus(response, 503, { connection: "close", "retry-after": "1" });
    const found = routes.find(request.method ?? "", path);
    if (found) return trigger.serve(request, response, url, found.route, found.parameters);
    if (path.length === 0 && request.method === "GET") {
      const text = "Functions host emulator for development and tests: up and running.\n";
      response.writeHead(200, { "content-type": "text/plain" }).end(text);
      return undefined;
    }
    return writeStatus(response, 404);
  }
}

/** The status with which Kestrel refuses a head that is too large, if it does. */
function headLimit({ method = "", url = "", rawHeaders }: IncomingMessage): number | undefined {
  if (method.length + 1 + Buffer.byteLength(url) + HTTP_VERSION.length > MAX_REQUEST_LINE_BYTES)
    return 414;
  return rawHeaders.length / 2 > MAX_HEADERS ? 431 : undefined;
}

function requestUrl(request: IncomingMessage): URL | undefined {
  const target = request.url ?? "/";
  if (!target.startsWith("/")) return undefined;
  return URL.parse(`http://${request.headers.host ?? "localhost"}${target}`) ?? undefined;
}

function pathSegments(pathname: string): string[] | undefined {
  try {
    const segments = pathname.slice(1).split("/").map(decodeURIComponent);
    if (segments.at(-1) === "") segments.pop();
    return segments;
  } catch {
    return undefined;
  }
}
