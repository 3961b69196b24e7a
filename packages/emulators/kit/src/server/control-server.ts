import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { Fault, type FaultPlan } from "./faults";
import { closeServer, listenOnLoopback } from "./loopback-server";
import { readRequestBody } from "./request-body";

export interface ControlServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

export interface ControlServerOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly faults: FaultPlan;
  /** Counters since start, by name (for example `requests`, `requests.delta`). */
  readonly stats: () => Record<string, number>;
  /** Further commands by name: `POST /actions/NAME` with a JSON body returns the result. */
  readonly actions?: Readonly<Record<string, (body: unknown) => unknown>>;
}

const MAX_BODY_BYTES = 64 * 1024;

/** @throws RangeError if the body is too large */
async function readBody(request: IncomingMessage): Promise<string> {
  const body = await readRequestBody(request, MAX_BODY_BYTES);
  if (body === undefined) throw new RangeError(`the body is larger than ${MAX_BODY_BYTES} bytes`);
  return body.toString("utf8");
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/**
 * Starts the server by which tests and the local platform control an emulator, on loopback only:
 * `GET /stats`, `GET /faults`, `POST /faults` (a fault; returns `{id}`), `DELETE /faults`, `DELETE /faults/ID`,
 * `POST /actions/NAME` where the emulator has actions.
 */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { faults, stats } = options;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = `${request.method ?? ""} ${(request.url ?? "").split("?")[0] ?? ""}`;
    if (route === "GET /stats") return reply(response, 200, stats());
    if (route === "GET /faults") return reply(response, 200, faults.list());
    if (route === "DELETE /faults") {
      faults.clear();
      return reply(response, 200, {});
    }
    if (route === "POST /faults") {
      const parsed = Fault.safeParse(JSON.parse(await readBody(request)));
      if (!parsed.success) return reply(response, 400, { error: z.prettifyError(parsed.error) });
      return reply(response, 201, { id: faults.add(parsed.data) });
    }
    const action = /^POST \/actions\/([\w-]+)$/.exec(route)?.[1];
    const act = action === undefined ? undefined : options.actions?.[action];
    if (act !== undefined) {
      const body = await readBody(request);
      return reply(response, 200, (await act(body === "" ? undefined : JSON.parse(body))) ?? {});
    }
    const one = /^DELETE \/faults\/(\d+)$/.exec(route);
    if (one?.[1] !== undefined) return reply(response, faults.remove(one[1]) ? 200 : 404, {});
    return reply(response, 404, { error: `no such route: ${route}` });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      reply(response, 400, { error: error instanceof Error ? error.message : String(error) });
    });
  });
  const port = await listenOnLoopback(server, options.port ?? 0);
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}
