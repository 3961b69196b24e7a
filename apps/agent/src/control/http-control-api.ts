import {
  ApiClient,
  ApiError,
  ApiUnreachable,
  operationsOf,
  UnexpectedReply,
} from "@postern/api-client";
import { nodeFetch } from "@postern/api-client/node";
import {
  type AgentId,
  agentControlRoutes,
  clip,
  type Heartbeat,
  type HeartbeatReply,
  type JobId,
  limits,
} from "@postern/contracts";
import { OutageError } from "@postern/runtime";
import type { AttemptReply, ControlApi } from "../ports/control-api";

/** No reply of these two routes comes near it. */
const MAX_REPLY_BYTES = 1024 * 1024;

const operations = operationsOf(agentControlRoutes);

export interface HttpControlApiOptions {
  /** With `/api`. */
  readonly baseUrl: string;
  /** A bearer token for the API. */
  readonly token: () => Promise<string>;
  readonly timeoutMs: number;
}

export class HttpControlApi implements ControlApi {
  readonly #client: ApiClient<typeof operations>;

  constructor({ baseUrl, token, timeoutMs }: HttpControlApiOptions) {
    this.#client = new ApiClient(operations, {
      baseUrl,
      fetch: nodeFetch,
      token: async () => {
        try {
          return await token();
        } catch (error) {
          throw outage("unreachable", `no token: ${textOf(error)}`, { cause: error });
        }
      },
      timeoutMs,
      maxReplyBytes: MAX_REPLY_BYTES,
    });
  }

  async heartbeat(agent: AgentId, heartbeat: Heartbeat): Promise<HeartbeatReply> {
    try {
      const reply = await this.#client.call("heartbeat", {
        params: { id: agent },
        body: heartbeat,
      });
      return reply.value;
    } catch (error) {
      throw outageOf("heartbeat", error);
    }
  }

  async leaseAttempt(job: JobId, agent: AgentId): Promise<AttemptReply> {
    try {
      const { value } = await this.#client.call("leaseAttempt", {
        params: { id: job },
        body: { agent },
      });
      const { attempt, leaseUntil, proof } = value;
      return { kind: "leased", attempt, leaseUntil, proof };
    } catch (error) {
      const refusal = error instanceof ApiError ? refusalOf(error) : undefined;
      if (refusal !== undefined) return refusal;
      throw outageOf("attempt", error);
    }
  }
}

/** By the code of the API itself: a gateway, or a function app that starts, answers with the same statuses. */
function refusalOf({ problem }: ApiError): AttemptReply | undefined {
  switch (problem?.code) {
    case "attempt-held":
      return { kind: "held" };
    case "not-found":
      return { kind: "gone" };
    case "conflict":
      return { kind: "conflict", detail: problem.detail };
    default:
      return undefined;
  }
}

function outageOf(what: string, error: unknown): OutageError {
  if (error instanceof OutageError) return error;
  if (error instanceof UnexpectedReply) {
    return outage("refused", `${what}: ${error.status} no readable answer`, { cause: error });
  }
  if (error instanceof ApiError) {
    const { status, problem, retryAfterMs } = error;
    const detail =
      problem === undefined ? "no readable answer" : `${problem.code}: ${problem.detail}`;
    return outage(status === 429 ? "throttled" : "refused", `${what}: ${status} ${detail}`, {
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  if (error instanceof ApiUnreachable) {
    const code = error.kind === "timed-out" ? "timed-out" : "unreachable";
    return outage(code, error.reason, { cause: error });
  }
  return outage("unreachable", textOf(error), { cause: error });
}

function outage(
  code: "unreachable" | "timed-out" | "throttled" | "refused",
  message: string,
  options: { readonly cause: unknown; readonly retryAfterMs?: number },
): OutageError {
  return new OutageError("api", code, clip(message, limits.failureChars), options);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
