import { type FieldProblem, Problem } from "@postern/contracts";
import type { z } from "zod";
import { CliError, type ExitCode, exitCodes } from "../exit-code";
import { messageOf } from "./profile";
import { readReply } from "./reply-reader";
import type { Session } from "./session";

const TIMEOUT_MS = 120_000;

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless `text` is given. */
  readonly body?: unknown;
  readonly text?: { readonly type: string; readonly value: string };
  /** Statuses whose body is an answer, although they are errors. */
  readonly expected?: readonly number[];
  /** The route is open to anyone: no token is fetched for it. */
  readonly anonymous?: boolean;
}

export interface ApiAnswer<T> {
  readonly value: T;
  /** As the API said it: what `--json` prints. */
  readonly raw: unknown;
  readonly status: number;
  readonly headers: Headers;
}

/** The API refused or failed: problem details, and the exit code that they come to. */
export class ApiProblem extends CliError {
  readonly problem: Problem;

  constructor(exitCode: ExitCode, problem: Problem) {
    super(exitCode, problem.detail);
    this.name = "ApiProblem";
    this.problem = problem;
  }

  get fields(): readonly FieldProblem[] {
    return this.problem.errors ?? [];
  }
}

/** The HTTP API of one branch. It is the only thing that this program talks to. */
export class Api {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get url(): string {
    return this.#session.url;
  }

  async call<Schema extends z.ZodType>(
    method: "GET" | "POST" | "PUT",
    path: string,
    schema: Schema,
    request: ApiRequest = {},
  ): Promise<ApiAnswer<z.output<Schema>>> {
    const { response, text } = await this.#send(method, path, request);
    const raw = jsonOf(text);
    if (!response.ok && request.expected?.includes(response.status) !== true) {
      throw problemOf(response, raw, this.url);
    }
    const value = readReply(schema, raw);
    if (value === undefined) {
      throw new CliError(
        exitCodes.failed,
        `${this.url} does not answer as this version of postern expects (${method} /api/${path})`,
        [
          "is the address right, and is this program not older than the cloud app by more than one version?",
        ],
      );
    }
    return { value, raw, status: response.status, headers: response.headers };
  }

  async #send(
    method: string,
    path: string,
    request: ApiRequest,
  ): Promise<{ response: Response; text: string }> {
    const { query = {}, headers, body, text, anonymous } = request;
    const url = new URL(`${this.url}/api/${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const token = anonymous === true ? undefined : await this.#session.token();
    const type = text?.type ?? (body === undefined ? undefined : "application/json");
    // Outside of what is told as a failure of the network.
    const sent = new Headers({
      accept: "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${sendable(token)}` }),
      ...(type === undefined ? {} : { "content-type": type }),
      ...headers,
    });
    try {
      const response = await fetch(url, {
        method,
        headers: sent,
        ...(type === undefined ? {} : { body: text?.value ?? JSON.stringify(body) }),
        // A token is for this address only.
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { response, text: await response.text() };
    } catch (error) {
      throw unreachable(this.url, error);
    }
  }
}

/** What is no token is not shown: it may hold one, as the JSON that tools print around it does. */
function sendable(token: string): string {
  if (/^[\u0021-\u007e]+$/.test(token)) return token;
  throw new CliError(
    exitCodes.notAuthenticated,
    "the token is not one line of visible ASCII characters: it is not the token alone",
    ["of az: az account get-access-token --query accessToken -o tsv"],
  );
}

function unreachable(url: string, error: unknown): CliError {
  const cause = error instanceof Error ? error.cause : undefined;
  const code =
    cause instanceof Error && "code" in cause && typeof cause.code === "string"
      ? cause.code
      : messageOf(cause ?? error);
  return new CliError(exitCodes.unreachable, `cannot reach ${url}: ${code}`, [
    code === "ECONNREFUSED"
      ? "nothing listens there: is the platform running?"
      : "check the address, the network and the proxy",
  ]);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(response: Response, raw: unknown, url: string): CliError {
  const problem = readReply(Problem, raw);
  const exitCode = exitCodeOf(response.status);
  if (problem !== undefined) return new ApiProblem(exitCode, problem);
  return new CliError(exitCode, `${url} answered ${response.status} without saying why`, [
    "is it the address of a Postern cloud app?",
  ]);
}

export function exitCodeOf(status: number): ExitCode {
  if (status === 401) return exitCodes.notAuthenticated;
  if (status === 429 || status >= 500) return exitCodes.failed;
  return exitCodes.refused;
}
