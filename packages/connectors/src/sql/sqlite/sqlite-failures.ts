import { isNativeError } from "node:util/types";
import { sqlFailure, type SqlFailure } from "../engine/sql-failure";

/** Result codes of https://www.sqlite.org/rescode.html, extended ones where they decide. */
const CONSTRAINT = {
  check: 275,
  foreignKey: 787,
  notNull: 1299,
  primaryKey: 1555,
  trigger: 1811,
  unique: 2067,
  rowId: 2579,
  dataType: 3091,
} as const;

/** SQLite names table and column in a constraint's message, and never a value. */
function detail(error: Error): string {
  return error.message.replace(/\s+/g, " ").slice(0, 200);
}

function errorNumber(error: Error): number | undefined {
  return "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
}

/** Marks what the preparation of a statement failed with: no row is at fault, since none has been looked at. */
export function refusedByParser(error: unknown): unknown {
  return isNativeError(error) ? Object.assign(error, { refusedByParser: true }) : error;
}

export function isPlainError(error: unknown): boolean {
  return isNativeError(error) && ((errorNumber(error) ?? 0) & 0xff) === 1;
}

export function classifySqlite(error: unknown, table: string): SqlFailure {
  if (!isNativeError(error)) return internal(table);
  const extended = errorNumber(error);
  if (extended === undefined) {
    // The database handle is closed, or the file went away: raised by Node or by our own driver.
    return "code" in error && typeof error.code === "string"
      ? sqlFailure(
          "batch",
          "target-down",
          "target-unreachable",
          `SQLite database: ${detail(error)}`,
        )
      : internal(table);
  }
  switch (extended & 0xff) {
    case 19:
      return classifyConstraint(extended, detail(error), table);
    case 5: // busy
    case 6: // locked
    case 17: // schema changed while a statement was prepared
      return sqlFailure(
        "batch",
        "transient",
        "target-busy",
        "another program holds the SQLite database's write lock",
      );
    case 9: // interrupted
      return sqlFailure("batch", "transient", "target-timeout", "SQLite was interrupted");
    case 18: // too big
    case 20: // type mismatch
      return sqlFailure(
        "item",
        "permanent",
        "target-rejected",
        `table '${table}' refuses a value (${detail(error)}): correct it at its source, or the mapping`,
      );
    case 1: // no such table or column, refused by the parser; or an expression that cannot take a row's value
      return sqlFailure(
        "refusedByParser" in error ? "statement" : "item",
        "permanent",
        "target-rejected",
        `table '${table}' refuses the statement (${detail(error)}): correct the mapping or the table`,
        true,
      );
    case 8:
      return down("is read-only: give the agent's account write access to file and folder");
    case 13:
      return down("cannot grow: the disk is full");
    case 3: // permission
    case 23: // authorisation
      return down("may not be opened by the agent's account");
    case 7: // out of memory
    case 10: // input/output error
    case 11: // corrupt
    case 14: // cannot open
    case 26: // not a database
      return down(`cannot be used: ${detail(error)}`);
    default:
      return down(`answers with code ${extended}: ${detail(error)}`);
  }
}

function down(problem: string): SqlFailure {
  return sqlFailure("batch", "target-down", "target-unreachable", `the SQLite database ${problem}`);
}

function internal(table: string): SqlFailure {
  return sqlFailure(
    "batch",
    "transient",
    "internal",
    `an unexpected fault while writing table '${table}'; the agent's log has it`,
  );
}

function classifyConstraint(extended: number, text: string, table: string): SqlFailure {
  switch (extended) {
    case CONSTRAINT.unique:
    case CONSTRAINT.primaryKey:
    case CONSTRAINT.rowId:
      return sqlFailure(
        "item",
        "dependency",
        "target-conflict",
        `another row of table '${table}' holds a value that must be unique (${text})`,
      );
    case CONSTRAINT.foreignKey:
      return sqlFailure(
        "item",
        "dependency",
        "target-reference-missing",
        `table '${table}': a row that this one refers to is missing, or another still refers to it (${text})`,
      );
    case CONSTRAINT.trigger:
      // The text of RAISE is the trigger author's and may repeat a value.
      return sqlFailure(
        "item",
        "permanent",
        "target-rejected",
        `a trigger of table '${table}' refuses the row: correct the values at their source, the mapping or the trigger`,
      );
    case CONSTRAINT.check:
    case CONSTRAINT.notNull:
    case CONSTRAINT.dataType:
    default:
      return sqlFailure(
        "item",
        "permanent",
        "target-rejected",
        `table '${table}' refuses the row (${text}): correct the mapping or the constraint`,
      );
  }
}
