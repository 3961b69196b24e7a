import {
  type ErrorCode,
  errorCodes,
  FieldProblem,
  type Problem,
  PosternError,
  problemOf,
} from "@postern/contracts";
import { masked } from "@postern/input";
import { ServiceUnavailable } from "@postern/runtime";
import { SourceError } from "../ports/source";
import type { ApiReply } from "./api-reply";
import { RequestError } from "./request-error";

export interface ProblemPlace {
  readonly traceId: string;
  /** Path of the request. */
  readonly instance: string;
}

/** When a caller may ask again after a dependency failed: a restart of one takes about that long. */
const RETRY_AFTER_SECONDS = 5;
/** As many as the schema of a problem allows. */
const MAX_FIELDS = 100;

interface Finding {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
  readonly headers: Readonly<Record<string, string>>;
}

/** The error as problem details. An unexpected error reveals only the trace id under which the log has more. */
export function problemReply(error: unknown, place: ProblemPlace): ApiReply {
  const { code, detail, errors, headers } = findingOf(error);
  const problem: Problem = problemOf(code, masked(detail), {
    ...place,
    ...(errors.length === 0 ? {} : { errors: errors.slice(0, MAX_FIELDS) }),
  });
  return {
    status: problem.status,
    headers: { "content-type": "application/problem+json", ...headers },
    body: problem,
  };
}

function findingOf(error: unknown): Finding {
  const mayPass =
    error instanceof ServiceUnavailable ||
    (error instanceof SourceError && ["throttled", "unavailable"].includes(error.failure));
  if (mayPass) return unavailable(error.retryAfterMs);
  if (error instanceof PosternError && error.code === "dependency-unavailable") {
    return { ...unavailable(null), detail: error.message };
  }
  const answered = error instanceof PosternError && "status" in errorCodes[error.code];
  if (!answered || error.code === "internal") {
    return {
      code: "internal",
      detail: "An internal error occurred; quote the trace id when you report it.",
      errors: [],
      headers: {},
    };
  }
  return {
    code: error.code,
    detail: error.message,
    errors: error instanceof RequestError ? error.problems : problemsIn(error),
    headers: error instanceof RequestError ? error.headers : {},
  };
}

function unavailable(retryAfterMs: number | null): Finding {
  const seconds = retryAfterMs === null ? RETRY_AFTER_SECONDS : Math.ceil(retryAfterMs / 1_000);
  return {
    code: "dependency-unavailable",
    detail: `A cloud service that this request needs does not respond; try again in ${seconds} s.`,
    errors: [],
    headers: { "Retry-After": String(seconds) },
  };
}

/** Decisions name the fields at fault in `details.problems`. */
function problemsIn({ details }: PosternError): FieldProblem[] {
  const parsed = FieldProblem.array().safeParse(details["problems"]);
  return parsed.success ? parsed.data : [];
}
