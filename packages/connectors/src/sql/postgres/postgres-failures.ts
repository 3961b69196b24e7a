import { isNativeError } from "node:util/types";
import {
  busy,
  columnMissing,
  databaseDown,
  internalFault,
  keyNotUnique,
  loginRefused,
  notPermitted,
  ofOneRow,
  referenceMissing,
  rowRejected,
  type SqlFailure,
  statementRejected,
  tableMissing,
  timedOut,
  uniqueConflict,
} from "../engine/sql-failure";

const SERVER = "the PostgreSQL server";

/** What PostgreSQL sends with an error. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
interface ServerError {
  readonly code: string;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
  /** Raised by one row and not by the statement itself: in a function, or by a row-level policy. */
  readonly ofRow: boolean;
}

function textField(
  error: Error,
  name: "code" | "column" | "constraint" | "severity" | "where" | "routine",
): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" ? value : undefined;
}

function serverError(error: Error): ServerError | undefined {
  const code = textField(error, "code");
  if (code === undefined || textField(error, "severity") === undefined) return undefined;
  const ofRow =
    textField(error, "where") !== undefined ||
    textField(error, "routine") === "ExecWithCheckOptions";
  return {
    code,
    column: textField(error, "column"),
    constraint: textField(error, "constraint"),
    ofRow,
  };
}

const INSUFFICIENT_PRIVILEGE = "42501";

export const isInsufficientPrivilege = (error: unknown): boolean =>
  isNativeError(error) && textField(error, "code") === INSUFFICIENT_PRIVILEGE;

export function classifyPostgres(error: unknown, table: string): SqlFailure {
  if (!isNativeError(error)) return internalFault(table);
  const server = serverError(error);
  if (server) {
    const found = classifyServerError(server, table);
    return found.scope === "statement" && server.ofRow ? ofOneRow(found) : found;
  }
  if (error.name === "TypeError" || error.name === "RangeError") return internalFault(table);
  // Everything else comes from the socket, TLS or the pool: there is no usable connection.
  const code = textField(error, "code");
  return down(`does not answer${code === undefined ? "" : ` (${code})`}`);
}

function down(problem: string): SqlFailure {
  return databaseDown(`${SERVER} ${problem}`);
}

function classifyServerError(error: ServerError, table: string): SqlFailure {
  const { code, column, constraint } = error;
  const place = `table '${table}'${column === undefined ? "" : `, column '${column}'`}${
    constraint === undefined ? "" : `, constraint '${constraint}'`
  }`;
  switch (code) {
    case "23505": // unique_violation
    case "23P01": // exclusion_violation
      return uniqueConflict(`${place}: another row already has a value that must be unique`);
    case "23503": // foreign_key_violation
    case "23001": // restrict_violation
      return referenceMissing(
        `${place}: a referenced row is missing, or another row still refers to this one`,
      );
    case "40001": // serialization_failure
    case "40P01": // deadlock_detected
    case "55P03": // lock_not_available
    case "53300": // too_many_connections
      return busy(`${place}: the server could not run the transaction beside others (${code})`);
    case "57014": // query_canceled
    case "25P03": // idle_in_transaction_session_timeout
      return timedOut(`${place}: the statement exceeded its time limit`);
    case INSUFFICIENT_PRIVILEGE:
      return notPermitted(
        `${place}: the agent's account may not write here; grant select, insert, update, delete`,
      );
    case "42P01": // undefined_table
    case "3F000": // invalid_schema_name
      return tableMissing(table);
    case "42703": // undefined_column
      return columnMissing(`${place}: a mapped column is missing; add it or correct the mapping`);
    case "42P10": // invalid_column_reference: no unique index for ON CONFLICT
      return keyNotUnique(
        `${place}: the mapped key has no primary key or unique index; create one`,
      );
    case "25006": // read_only_sql_transaction
      return down("is read-only (a standby, or configured so)");
    case "3D000": // invalid_catalog_name
      return down("has no database with that name");
    case "28P01": // invalid_password
    case "28000": // invalid_authorization_specification
      return loginRefused(`${SERVER} rejects the account or its password`);
    default:
      return classifyByClass(error, place);
  }
}

function classifyByClass({ code }: ServerError, place: string): SqlFailure {
  switch (code.slice(0, 2)) {
    case "08": // connection exception
    case "53": // insufficient resources: disk full, out of memory
    case "57": // operator intervention: shutting down
    case "58": // system error
    case "F0": // configuration file error
    case "XX": // internal error, data corrupted
      return down(`is not able to work (${code})`);
    case "40": // transaction rollback
      return busy(`${place}: rolled back (${code})`);
    case "22": // data exception: length, range, encoding, format
    case "23": // integrity constraint: not null, check
    case "P0": // raised by a trigger: its text may repeat a value
    case "44": // with check option
      return rowRejected(
        `${place}: the row is rejected (SQLSTATE ${code}); correct the mapping or the constraint`,
      );
    case "0A": // feature not supported
    case "42": // syntax error or access rule violation
      return statementRejected(
        `${place}: the statement is rejected (SQLSTATE ${code}); correct the mapping or the table`,
      );
    default:
      // A value over a limit, two keys that are equal, a trigger's own code: one row may be the cause.
      return rowRejected(
        `${place}: the row is rejected (SQLSTATE ${code}); correct the value, the mapping or the table`,
      );
  }
}
