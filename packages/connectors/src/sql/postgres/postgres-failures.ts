import { isNativeError } from "node:util/types";
import { sqlFailure, type SqlFailure } from "../engine/sql-failure";

/** What PostgreSQL says of an error, besides its text: https://www.postgresql.org/docs/current/errcodes-appendix.html */
interface ServerError {
  readonly code: string;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
  /** Raised while a row was written, not by the statement itself: in a function, or by a row-level policy. */
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
    ...{ code, column: textField(error, "column"), constraint: textField(error, "constraint") },
    ofRow,
  };
}

export function classifyPostgres(error: unknown, table: string): SqlFailure {
  if (!isNativeError(error)) return internal(table);
  const server = serverError(error);
  if (server) {
    const found = classifyServerError(server, table);
    return found.scope === "statement" && server.ofRow ? { ...found, scope: "item" } : found;
  }
  if (error.name === "TypeError" || error.name === "RangeError") return internal(table);
  // Everything else comes from the socket, TLS or the pool: there is no connection to work with.
  const code = textField(error, "code");
  return down("target-unreachable", `does not answer${code === undefined ? "" : ` (${code})`}`);
}

function down(code: "target-unreachable" | "target-refused-login", problem: string): SqlFailure {
  return sqlFailure("batch", "target-down", code, `the PostgreSQL server ${problem}`);
}

function internal(table: string): SqlFailure {
  return sqlFailure(
    "batch",
    "transient",
    "internal",
    `an unexpected fault while writing table '${table}'; the agent's log has it`,
  );
}

function classifyServerError(error: ServerError, table: string): SqlFailure {
  const { code, column, constraint } = error;
  const place = `table '${table}'${column === undefined ? "" : `, column '${column}'`}${
    constraint === undefined ? "" : `, constraint '${constraint}'`
  }`;
  switch (code) {
    case "23505": // unique_violation
    case "23P01": // exclusion_violation
      return sqlFailure(
        "item",
        "dependency",
        "target-conflict",
        `${place}: another row holds a value that must be unique`,
      );
    case "23503": // foreign_key_violation
    case "23001": // restrict_violation
      return sqlFailure(
        "item",
        "dependency",
        "target-reference-missing",
        `${place}: a row that this one refers to is missing, or another still refers to it`,
      );
    case "40001": // serialization_failure
    case "40P01": // deadlock_detected
    case "55P03": // lock_not_available
    case "53300": // too_many_connections
      return sqlFailure(
        "batch",
        "transient",
        "target-busy",
        `${place}: the server gave the transaction up in favour of another (${code})`,
      );
    case "57014": // query_canceled
    case "25P03": // idle_in_transaction_session_timeout
      return sqlFailure(
        "batch",
        "transient",
        "target-timeout",
        `${place}: the statement took longer than the time allowed`,
      );
    case "42501": // insufficient_privilege
      return sqlFailure(
        "statement",
        "permanent",
        "target-not-permitted",
        `${place}: the agent's account may not write here; grant select, insert, update, delete`,
      );
    case "42P01": // undefined_table
    case "3F000": // invalid_schema_name
      return sqlFailure(
        "statement",
        "permanent",
        "target-object-missing",
        `the target has no table '${table}': create it or correct the mapping`,
        true,
      );
    case "42703": // undefined_column
      return sqlFailure(
        "statement",
        "permanent",
        "target-column-missing",
        `${place}: a mapped column is missing; add it or correct the mapping`,
        true,
      );
    case "42P10": // invalid_column_reference: no unique index for ON CONFLICT
      return sqlFailure(
        "statement",
        "permanent",
        "target-rejected",
        `${place}: the mapped key has no primary key or unique index; create one`,
      );
    case "25006": // read_only_sql_transaction
      return down("target-unreachable", "is read-only (a standby, or set so)");
    case "3D000": // invalid_catalog_name
      return down("target-unreachable", "has no database of that name");
    case "28P01": // invalid_password
    case "28000": // invalid_authorization_specification
      return down("target-refused-login", "refuses the account or its password");
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
      return down("target-unreachable", `cannot work at present (${code})`);
    case "40": // transaction rollback
      return sqlFailure("batch", "transient", "target-busy", `${place}: rolled back (${code})`);
    case "22": // data exception: length, range, encoding, format
    case "23": // integrity constraint: not null, check
    case "P0": // raised by a trigger: its text may repeat a value
    case "44": // with check option
      return sqlFailure(
        "item",
        "permanent",
        "target-rejected",
        `${place}: the row is refused (SQLSTATE ${code}); correct the mapping or the constraint`,
      );
    case "0A": // feature not supported
    case "42": // syntax error or access rule violation
      return sqlFailure(
        "statement",
        "permanent",
        "target-rejected",
        `${place}: the statement is refused (SQLSTATE ${code}); correct the mapping or the table`,
        true,
      );
    default:
      // A limit that a value exceeds, two keys that are one, a trigger's own code: whatever it is, it may be of one row.
      return sqlFailure(
        "item",
        "permanent",
        "target-rejected",
        `${place}: the row is refused (SQLSTATE ${code}); correct the value, the mapping or the table`,
      );
  }
}
