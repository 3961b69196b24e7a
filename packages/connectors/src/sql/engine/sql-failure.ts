/**
 * What a statement can fail with. A driver only says which failure an error of its database is: what each means for the
 * item and for its retries stands here, the same for every database.
 *
 * Messages are for a person: what happened, and the way out of it where waiting is none. Never a value of the item.
 */
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

/** Fits into the 500 characters that an attempt keeps of its reason. */
const MESSAGE_CHARS = 480;

function sqlFailure(
  scope: FailureScope,
  failureClass: FailureClass,
  code: ErrorCode,
  message: string,
  catalogueStale = false,
): SqlFailure {
  return {
    scope,
    catalogueStale,
    failure: { class: failureClass, code, message: message.slice(0, MESSAGE_CHARS) },
  };
}

/** A failure found before any statement was sent. */
export function itemFailure(code: ErrorCode, message: string): TargetFailure {
  return { class: "permanent", code, message: message.slice(0, MESSAGE_CHARS) };
}

/** Another row holds a value that must be unique. It may become free. */
export const uniqueConflict = (message: string): SqlFailure =>
  sqlFailure("item", "dependency", "target-conflict", message);

/** A row that this one refers to is missing, or another still refers to it. */
export const referenceMissing = (message: string): SqlFailure =>
  sqlFailure("item", "dependency", "target-reference-missing", message);

/** The database refuses a row for what it holds. */
export const rowRejected = (message: string): SqlFailure =>
  sqlFailure("item", "permanent", "target-rejected", message);

/** The database refuses a statement whatever its rows hold. The tables may be other than the catalogue says. */
export const statementRejected = (message: string): SqlFailure =>
  sqlFailure("statement", "permanent", "target-rejected", message, true);

/** The mapped key has no unique index. The catalogue that is cached does not know of indexes, so it is not out of date. */
export const keyNotUnique = (message: string): SqlFailure =>
  sqlFailure("statement", "permanent", "target-rejected", message);

export const tableMissing = (table: string): SqlFailure =>
  sqlFailure(
    "statement",
    "permanent",
    "target-object-missing",
    `the target has no table '${table}': create it or correct the mapping`,
    true,
  );

export const columnMissing = (message: string): SqlFailure =>
  sqlFailure("statement", "permanent", "target-column-missing", message, true);

export const notPermitted = (message: string): SqlFailure =>
  sqlFailure("statement", "permanent", "target-not-permitted", message);

/** Somebody else is writing: a lock, a deadlock, no connection left. */
export const busy = (message: string): SqlFailure =>
  sqlFailure("batch", "transient", "target-busy", message);

export const timedOut = (message: string): SqlFailure =>
  sqlFailure("batch", "transient", "target-timeout", message);

/** No batch can be written until somebody sees to the database or the agent's way to it. */
export const databaseDown = (message: string): SqlFailure =>
  sqlFailure("batch", "target-down", "target-unreachable", message);

export const loginRefused = (message: string): SqlFailure =>
  sqlFailure("batch", "target-down", "target-refused-login", message);

/** A fault of this program, not of the target. */
export const internalFault = (table: string): SqlFailure =>
  sqlFailure(
    "batch",
    "transient",
    "internal",
    `an unexpected fault while writing table '${table}'; the agent's log has it`,
  );

/** The same failure, of which one row is the cause and not the statement. */
export const ofOneRow = (failure: SqlFailure): SqlFailure => ({ ...failure, scope: "item" });
