import { z } from "zod";
import { errorCodes, type ErrorCode } from "./error-codes";

export const FieldProblem = z.strictObject({
  /** JSON path of the field, `$` for the whole body. */
  field: z.string(),
  problem: z.string(),
  /** The way out, where one can be named. */
  hint: z.string().optional(),
});
export type FieldProblem = z.infer<typeof FieldProblem>;

/** RFC 9457 problem details. `type` is a page of the documentation, one per error code. */
export const Problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  instance: z.string().optional(),
  traceId: z.string().optional(),
  errors: z.array(FieldProblem).max(100).optional(),
});
export type Problem = z.infer<typeof Problem>;

export const PROBLEM_TYPE_BASE = "https://postern.dev/problems/";

export function problemOf(
  code: ErrorCode,
  detail: string,
  more: Partial<Pick<Problem, "errors" | "instance" | "traceId">> = {},
): Problem {
  const known: { explanation: string; status?: number } = errorCodes[code];
  return {
    type: `${PROBLEM_TYPE_BASE}${code}`,
    title: known.explanation,
    status: known.status ?? 500,
    detail,
    code,
    ...more,
  };
}
