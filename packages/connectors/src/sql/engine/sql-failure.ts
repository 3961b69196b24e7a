import type { ErrorCode, FailureClass } from "@postern/contracts";
import type { TargetFailure } from "../../connector";

/**
 * How far a failure reaches: `item` = some row of the statement is at fault, and without it the others go through;
 * `statement` = every row of the statement fails the same way; `batch` = the transaction or the whole target.
 */
export type FailureScope = "item" | "statement" | "batch";

export interface SqlFailure {
  readonly scope: FailureScope;
  readonly failure: TargetFailure;
  /** The catalogue may have changed under the cached one. */
  readonly catalogueStale: boolean;
}

export function sqlFailure(
  scope: FailureScope,
  failureClass: FailureClass,
  code: ErrorCode,
  message: string,
  catalogueStale = false,
): SqlFailure {
  return {
    scope,
    catalogueStale,
    failure: { class: failureClass, code, message: message.slice(0, 480) },
  };
}

/** A failure found before any statement was sent. */
export function itemFailure(code: ErrorCode, message: string): TargetFailure {
  return { class: "permanent", code, message: message.slice(0, 480) };
}
