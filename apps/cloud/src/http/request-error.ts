import { type ErrorCode, type FieldProblem, PosternError } from "@postern/contracts";

/** A request that cannot be served: what is wrong, field by field, and headers that show the way out. */
export class RequestError extends PosternError {
  readonly problems: readonly FieldProblem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      readonly problems?: readonly FieldProblem[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(code, message, more.cause === undefined ? {} : { cause: more.cause });
    this.name = "RequestError";
    this.problems = more.problems ?? [];
    this.headers = more.headers ?? {};
  }
}

/** `request-invalid` with its fields; the detail of one problem is the problem itself. */
export function invalidRequest(problems: readonly FieldProblem[]): RequestError {
  const [first] = problems;
  const detail =
    first !== undefined && problems.length === 1
      ? `${first.field}: ${first.problem}${first.hint === undefined ? "" : ` (${first.hint})`}`
      : `${problems.length} fields are not as they must be; see errors.`;
  return new RequestError("request-invalid", detail, { problems });
}

export function noSuch(what: string, id: string): RequestError {
  return new RequestError("not-found", `There is no ${what} '${id}'.`);
}
