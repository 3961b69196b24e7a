/**
 * The ways in which a statement can fail. A driver maps each error of its database to one of them; what a failure means
 * for the item and its retries is defined here, for all databases.
 *
 * Messages are for a person: what happened, and how to fix it if waiting does not help. They contain no value of the
 * item.
 */
import { clip, type ErrorCode, type FailureClass } from "@postern/contracts";
import type { TargetFailure } from "../../connector";

/**
 * What a failure affects: `item` = one row of the statement is at fault, and the others succeed without it; `statement`
 * = every row of the statement fails the same way; `batch` = the transaction or the whole target fails.
 */
export type FailureScope = "item" | "statement" | "batch";

/** What a failure is about, for a message that names columns and other entities (`batch/explain-failure.ts`). */
export type FailureSubject =
  | {
      readonly kind: "unique" | "reference";
      readonly constraint?: string;
      /** Where the database names columns instead of a constraint. */
      readonly columns?: readonly string[];
      /** Table whose rows refer to this one. */
      readonly table?: string;
    }
  | { readonly kind: "value" };

export interface SqlFailure {
  readonly scope: FailureScope;
  readonly failure: TargetFailure;
  readonly subject?: FailureSubject;
  /** The cached catalogue may be out of date. */
  readonly catalogueStale: boolean;
}

/** Leaves room in the 500 characters of an attempt's reason. */
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
    failure: { class: failureClass, code, message: clip(message, MESSAGE_CHARS) },
  };
}

const about = (failure: SqlFailure, subject: FailureSubject | undefined): SqlFailure =>
  subject === undefined ? failure : { ...failure, subject };

/** The same failure, in words that say more. */
export const inWords = ({ failure }: SqlFailure, message: string): TargetFailure => ({
  ...failure,
  message: clip(message, MESSAGE_CHARS),
});

/** A failure found before a statement was sent. */
export function itemFailure(code: ErrorCode, message: string): TargetFailure {
  return { class: "permanent", code, message: clip(message, MESSAGE_CHARS) };
}

/** Another row has a value that must be unique. It may become free later. */
export const uniqueConflict = (message: string, subject?: FailureSubject): SqlFailure =>
  about(sqlFailure("item", "dependency", "target-conflict", message), subject);

/** Another entity holds the row at a newer version. It may be removed later. */
export const rowHeld = (message: string): SqlFailure =>
  sqlFailure("item", "dependency", "target-conflict", message);

/** A referenced row is missing, or another row still refers to this one. */
export const referenceMissing = (message: string, subject?: FailureSubject): SqlFailure =>
  about(sqlFailure("item", "dependency", "target-reference-missing", message), subject);

/** The database rejects a row because of its values. */
export const rowRejected = (message: string, subject?: FailureSubject): SqlFailure =>
  about(sqlFailure("item", "permanent", "target-rejected", message), subject);

/** The database rejects a statement whatever the values of its rows. The cached catalogue may be out of date. */
export const statementRejected = (message: string): SqlFailure =>
  sqlFailure("statement", "permanent", "target-rejected", message, true);

/** A statement succeeded and left a row as it was. */
export const rowKept = (message: string): SqlFailure =>
  sqlFailure("statement", "permanent", "target-rejected", message);

/** A statement succeeded and the row holds another value. */
export const rowStoredOtherwise = (message: string): SqlFailure =>
  sqlFailure("statement", "permanent", "target-rejected", message);

/** The mapped key has no unique index. Indexes are not part of the cached catalogue, so it is not out of date. */
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

/** Other writers are in the way: a lock, a deadlock, no free connection. */
export const busy = (message: string): SqlFailure =>
  sqlFailure("batch", "transient", "target-busy", message);

export const timedOut = (message: string): SqlFailure =>
  sqlFailure("batch", "transient", "target-timeout", message);

/** No batch can be written until somebody fixes the database or the connection to it. */
export const databaseDown = (message: string): SqlFailure =>
  sqlFailure("batch", "target-down", "target-unreachable", message);

export const loginRefused = (message: string): SqlFailure =>
  sqlFailure("batch", "target-down", "target-refused-login", message);

/** An error of this program, not of the target. */
export const internalFault = (table: string): SqlFailure =>
  sqlFailure(
    "batch",
    "transient",
    "internal",
    `an unexpected error while writing table '${table}'; see the agent's log`,
  );

/** The same failure, caused by one row instead of the whole statement. */
export const ofOneRow = (failure: SqlFailure): SqlFailure => ({ ...failure, scope: "item" });
