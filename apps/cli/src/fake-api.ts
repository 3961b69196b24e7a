import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { PassThrough } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { runProgram } from "./program";

/** For tests: runs the command line in this process, against a small API server and a terminal made of streams. */
interface Request {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

interface Reply {
  readonly status?: number;
  readonly body: unknown;
}

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The requests to the API, in order. */
  readonly requests: readonly Request[];
}

export async function runCli(
  args: readonly string[],
  /** Returns undefined to leave a request unanswered. */
  answer: (request: Request, requests: readonly Request[]) => Reply | undefined,
  options: {
    /** What a person types at a question; null: the input ends, as with Ctrl-D. Absent: there is no terminal. */
    readonly typed?: string | null;
    /** Colours of stdout only; stderr is redirected. */
    readonly colours?: boolean;
    readonly env?: Readonly<Record<string, string>>;
    readonly home?: string;
  } = {},
): Promise<CliRun> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    void readAll(request).then((text) => {
      const { method = "", url = "" } = request;
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      requests.push({ method, url, body });
      const reply = answer({ method, url, body }, requests);
      if (reply === undefined) return;
      response.writeHead(reply.status ?? 200, { "content-type": "application/json" });
      response.end(JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const said = { stdout: "", stderr: "" };
  stdout.on("data", (data: Buffer) => (said.stdout += data.toString("utf8")));
  stderr.on("data", (data: Buffer) => {
    said.stderr += data.toString("utf8");
    if (!data.includes("[y/N]")) return;
    if (typeof options.typed === "string") stdin.write(`${options.typed}\n`);
    else stdin.end();
  });
  try {
    const exitCode = await runProgram(args, {
      ...{ stdout, stderr, stdin },
      interactive: options.typed !== undefined,
      ...{ rewritable: false, stderrColours: false, columns: 100 },
      colours: options.colours === true,
      env: options.env ?? { POSTERN_URL: `http://127.0.0.1:${port}`, POSTERN_TOKEN: "token" },
      now: () => Date.now(),
      home: options.home ?? tmpdir(),
    });
    return { exitCode, ...said, requests };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
