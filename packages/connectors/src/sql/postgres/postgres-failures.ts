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
  readonly table: string | undefined;
  /** Raised by one row and not by the statement itself: in a function, or by a row-level policy. */
  readonly ofRow: boolean;
}

function textField(
  error: Error,
  name: "code" | "column" | "constraint" | "table" | "severity" | "where" | "routine",
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
    table: textField(error, "table"),
    ofRow,
  };
}

/** What a row's SQLSTATE means to a person. */
const WORDS: Readonly<Record<string, string>> = {
  "21000": "two given rows are the same one to the database",
  "22001": "a text is longer than its column",
  "22003": "a number is outside the range of its column",
  "22007": "a text is not a date or time",
  "22008": "a date or time does not exist",
  "22021": "a text contains a character that the database cannot store, such as NUL",
  "22023": "a value is not one that the column takes",
  "22026": "a bit string has not the length of its column",
  "22030": "a JSON object has the same name twice",
  "22P02": "a value does not have the form of its column's type",
  "22P05": "a text contains a character that the database's encoding does not have",
  "23502": "the column requires a value and the item has none, or the mapping lacks the column",
  "23514": "the values break a check constraint",
  "42601": "it is not valid to the server",
  "42804": "a value is of another type than its column",
  "42883": "the server has no such function or operator",
  "428C9": "the column always gets its value from the database",
  "44000": "the row would not be visible in the view",
  "54000": "a value exceeds a limit of the server, such as the size of an index entry",
  P0001: "a trigger or function of the table refuses it",
};

function wordsOf(code: string): string {
  return (
    WORDS[code] ??
    WORDS_OF_CLASS[code.slice(0, 2)] ??
    "a trigger or function of the table refuses it"
  );
}

const WORDS_OF_CLASS: Readonly<Record<string, string>> = {
  "0A": "the server does not support it for this table",
  "22": "a value does not fit its column",
  "23": "the values break a constraint",
  "42": "the server does not accept it",
  "54": "a value exceeds a limit of the server",
};

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
  const subject = {
    ...(constraint === undefined ? {} : { constraint }),
    ...(error.table === undefined ? {} : { table: error.table }),
  };
  if (error.ofRow && (code === "42P01" || code === "42703" || code === "42883")) {
    return rowRejected(
      `${place}: a trigger or function of the table needs a table, column or function that does not exist ` +
        "(or is not in its search path); correct it",
    );
  }
  switch (code) {
    case "23505": // unique_violation
    case "23P01": // exclusion_violation
      return uniqueConflict(`${place}: another row already has a value that must be unique`, {
        kind: "unique",
        ...subject,
      });
    case "23503": // foreign_key_violation
    case "23001": // restrict_violation
      return referenceMissing(
        `${place}: a referenced row is missing, or another row still refers to this one`,
        { kind: "reference", ...subject },
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

function classifyByClass({ code, column, constraint }: ServerError, place: string): SqlFailure {
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
        `${place}: the row is rejected, because ${wordsOf(code)} (SQLSTATE ${code}); correct the value at its ` +
          "source, the mapping or the table",
        column === undefined && constraint === undefined ? { kind: "value" } : undefined,
      );
    case "0A": // feature not supported
    case "42": // syntax error or access rule violation
      return statementRejected(
        `${place}: the statement is rejected, because ${wordsOf(code)} (SQLSTATE ${code}); correct the mapping or ` +
          "the table",
      );
    default:
      // A value over a limit, two keys that are equal, a trigger's own code: one row may be the cause.
      return rowRejected(
        `${place}: the row is rejected, because ${wordsOf(code)} (SQLSTATE ${code}); correct the value, the ` +
          "mapping or the table",
        { kind: "value" },
      );
  }
}
