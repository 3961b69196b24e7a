import {
  type AgentId,
  type Heartbeat,
  HeartbeatReply,
  JobAttempt,
  type JobId,
  Problem,
} from "@postern/contracts";
import { OutageError } from "@postern/runtime";
import type { AttemptReply, ControlApi } from "../ports/control-api";
import { type JsonAnswer, postJson } from "./post-json";

export interface HttpControlApiOptions {
  /** With `/api`. */
  readonly baseUrl: string;
  /** A bearer token for the API. */
  readonly token: () => Promise<string>;
  readonly timeoutMs: number;
}

export class HttpControlApi implements ControlApi {
  readonly #options: HttpControlApiOptions;

  constructor(options: HttpControlApiOptions) {
    this.#options = options;
  }

  async heartbeat(agent: AgentId, heartbeat: Heartbeat): Promise<HeartbeatReply> {
    const answer = await this.#post(`agents/${encodeURIComponent(agent)}/heartbeat`, heartbeat);
    if (answer.status !== 200) throw refused("heartbeat", answer);
    const reply = HeartbeatReply.safeParse(answer.body);
    if (!reply.success) throw refused("heartbeat", answer);
    return reply.data;
  }

  async leaseAttempt(job: JobId, agent: AgentId): Promise<AttemptReply> {
    const answer = await this.#post(`jobs/${encodeURIComponent(job)}/attempts`, { agent });
    switch (answer.status) {
      case 201: {
        const attempt = JobAttempt.safeParse(answer.body);
        if (!attempt.success) throw refused("attempt", answer);
        return {
          kind: "leased",
          attempt: attempt.data.attempt,
          leaseUntil: attempt.data.leaseUntil,
        };
      }
      default:
        return refusalOf(answer);
    }
  }

  async #post(path: string, body: unknown): Promise<JsonAnswer> {
    let token: string;
    try {
      token = await this.#options.token();
    } catch (error) {
      throw new OutageError("api", "unreachable", `no token: ${text(error)}`.slice(0, 500), {
        cause: error,
      });
    }
    try {
      const { baseUrl, timeoutMs } = this.#options;
      return await postJson(`${baseUrl}/${path}`, body, { token, timeoutMs });
    } catch (error) {
      const timedOut = error instanceof Error && error.name === "TimeoutError";
      throw new OutageError(
        "api",
        timedOut ? "timed-out" : "unreachable",
        text(error).slice(0, 500),
        { cause: error },
      );
    }
  }
}

/** By the code of the API itself: a gateway, or a function app that starts, answers with the same statuses. */
function refusalOf(answer: JsonAnswer): AttemptReply {
  const problem = Problem.safeParse(answer.body);
  switch (problem.data?.code) {
    case "attempt-held":
      return { kind: "held" };
    case "not-found":
      return { kind: "gone" };
    case "conflict":
      return { kind: "conflict", detail: problem.data.detail };
    default:
      throw refused("attempt", answer);
  }
}

function refused(what: string, answer: JsonAnswer): OutageError {
  const problem = Problem.safeParse(answer.body);
  const detail = problem.success
    ? `${problem.data.code}: ${problem.data.detail}`
    : "no readable answer";
  return new OutageError(
    "api",
    answer.status === 429 ? "throttled" : "refused",
    `${what}: ${answer.status} ${detail}`.slice(0, 500),
    answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs },
  );
}

function text(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
