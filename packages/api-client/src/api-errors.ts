import { type Problem, problemText } from "@postern/contracts";

/**
 * The API refused the request or failed. Branch on `problem.code`, never on the status: a gateway, or a function app
 * that is starting, returns the same statuses without a code.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** RFC 9457 problem details; undefined when the reply holds none. A newer cloud app may send an unknown code. */
  readonly problem: Problem | undefined;
  /** Milliseconds that `Retry-After` asks to wait; undefined when it gives no number of seconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    /** Method and path, without the query. */
    request: string,
    reply: {
      readonly status: number;
      readonly problem: Problem | undefined;
      readonly retryAfterMs: number | undefined;
      /** Beginning of a body that holds no problem details. */
      readonly excerpt: string;
    },
  ) {
    const { status, problem, retryAfterMs, excerpt } = reply;
    super(`${request} answered ${status}: ${problem === undefined ? excerpt : detailOf(problem)}`);
    this.status = status;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

function detailOf({ detail, errors = [] }: Problem): string {
  return [detail, ...(errors.length === 0 ? [] : [problemText(errors)])].join("\n");
}

/** The reply is a success, and not one that the route table describes: another program or version answers. */
export class UnexpectedReply extends Error {
  override readonly name = "UnexpectedReply";
  /** Method and path, without the query. */
  readonly request: string;
  readonly status: number;

  constructor(request: string, status: number) {
    super(`${request} answered ${status} with a body that this version does not know`);
    this.request = request;
    this.status = status;
  }
}

/** `connection`: it could not be made, or it broke. The request may have taken effect in every case. */
export type UnreachableKind = "connection" | "timed-out" | "too-large";

/** No whole reply arrived. */
export class ApiUnreachable extends Error {
  override readonly name = "ApiUnreachable";
  readonly kind: UnreachableKind;
  /** What happened, without the address. */
  readonly reason: string;
  /** Code of the system or of Node, such as `ECONNREFUSED`, where one was given. */
  readonly code: string | undefined;

  constructor(request: string, kind: UnreachableKind, cause: unknown) {
    // `fetch` puts what the socket reports into the cause of an error without a code.
    const origin = partsOf(partsOf(cause).cause ?? cause);
    const code = typeof origin.code === "string" ? origin.code : undefined;
    // A host with several addresses fails with a list of errors, which has a code and no message.
    const texts = [origin.message, code, String(cause)];
    const isText = (text: unknown): text is string => typeof text === "string" && text !== "";
    const reason = texts.find(isText) ?? "no reason given";
    super(`${request} failed: ${reason}`, { cause });
    this.kind = kind;
    this.reason = reason;
    this.code = code;
  }
}

interface ErrorParts {
  readonly message?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

function partsOf(error: unknown): ErrorParts {
  return typeof error === "object" && error !== null ? error : {};
}

/** The request cannot be put into HTTP: nothing was sent. The message does not show a token. */
export class UnsendableRequest extends TypeError {
  override readonly name = "UnsendableRequest";
  readonly part: "token" | "path" | "header";

  constructor(part: "token" | "path" | "header", message: string) {
    super(message);
    this.part = part;
  }
}
