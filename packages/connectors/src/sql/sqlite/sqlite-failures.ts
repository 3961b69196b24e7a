import { clip } from "@postern/contracts";
import { isNativeError } from "node:util/types";
import {
  busy,
  databaseDown,
  internalFault,
  ofOneRow,
  referenceMissing,
  rowRejected,
  type SqlFailure,
  statementRejected,
  timedOut,
  uniqueConflict,
} from "../engine/sql-failure";

/** Extended result codes: https://www.sqlite.org/rescode.html */
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

const BUSY = 5;
/** `SQLITE_ERROR`: only its text says more. */
const PLAIN_ERROR = 1;

/** Characters of SQLite's own text that a message contains. */
const DETAIL_CHARS = 200;

/** SQLite's message about a constraint names table and column, but never a value. */
function detail(error: Error): string {
  return clip(error.message.replace(/\s+/g, " "), DETAIL_CHARS);
}

/** Extended result code of an error from SQLite; undefined for any other error. */
function resultCode(error: unknown): number | undefined {
  if (!isNativeError(error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

/** The last byte of an extended code is its primary code. */
const primaryCode = (extended: number | undefined): number => (extended ?? 0) & 0xff;

export const isBusy = (error: unknown): boolean => primaryCode(resultCode(error)) === BUSY;

export const isPlainError = (error: unknown): boolean =>
  primaryCode(resultCode(error)) === PLAIN_ERROR;

/** Marks an error from the preparation of a statement: no row is at fault, because none was read yet. */
export function refusedByParser(error: unknown): unknown {
  return isNativeError(error) ? Object.assign(error, { refusedByParser: true }) : error;
}

export function classifySqlite(error: unknown, table: string): SqlFailure {
  if (!isNativeError(error)) return internalFault(table);
  const extended = resultCode(error);
  if (extended === undefined) {
    // Raised by Node or by our own driver: the handle is closed, or the file is missing.
    return "code" in error && typeof error.code === "string"
      ? down(`cannot be used: ${detail(error)}`)
      : internalFault(table);
  }
  switch (primaryCode(extended)) {
    case 19:
      return classifyConstraint(extended, detail(error), table);
    case BUSY:
    case 6: // locked
    case 17: // schema changed while a statement was prepared
      return busy("another program holds the SQLite database's write lock");
    case 9: // interrupted
      return timedOut("SQLite was interrupted");
    case 18: // too big
    case 20: // type mismatch
      return rowRejected(
        `table '${table}' rejects a value (${detail(error)}): correct the value at its source or the mapping`,
      );
    case PLAIN_ERROR: {
      // Either the parser found no such table or column, or an expression cannot handle a row's value.
      const rejected = statementRejected(
        `table '${table}' rejects the statement (${detail(error)}): correct the mapping or the table`,
      );
      return "refusedByParser" in error ? rejected : ofOneRow(rejected);
    }
    case 8:
      return down("is read-only: give the agent's account write access to the file and its folder");
    case 13:
      return down("cannot grow: the disk is full");
    case 3: // permission
    case 23: // authorisation
      return down("denies access to the agent's account");
    case 7: // out of memory
    case 10: // input/output error
    case 11: // corrupt
    case 14: // cannot open
    case 26: // not a database
      return down(`cannot be used: ${detail(error)}`);
    default:
      return down(`reports code ${extended}: ${detail(error)}`);
  }
}

function down(problem: string): SqlFailure {
  return databaseDown(`the SQLite database ${problem}`);
}

/** `UNIQUE constraint failed: people.upn, people.town` */
function columnsIn(text: string): string[] {
  const [, list = ""] = /failed: (.*)$/.exec(text) ?? [];
  return list.split(", ").flatMap((name) => name.split(".").at(-1) ?? []);
}

function classifyConstraint(extended: number, text: string, table: string): SqlFailure {
  switch (extended) {
    case CONSTRAINT.unique:
    case CONSTRAINT.primaryKey:
    case CONSTRAINT.rowId:
      return uniqueConflict(
        `another row of table '${table}' already has a value that must be unique (${text})`,
        { kind: "unique", columns: columnsIn(text) },
      );
    case CONSTRAINT.foreignKey:
      return referenceMissing(
        `table '${table}': a referenced row is missing, or another row still refers to this one (${text})`,
        { kind: "reference" },
      );
    case CONSTRAINT.trigger:
      // The trigger's author wrote the text of RAISE, and it may contain a value.
      return rowRejected(
        `a trigger on table '${table}' rejects the row: correct the values at their source, the mapping or the trigger`,
      );
    case CONSTRAINT.check:
    case CONSTRAINT.notNull:
    case CONSTRAINT.dataType:
    default:
      return rowRejected(
        `table '${table}' rejects the row (${text}): correct the mapping or the constraint`,
      );
  }
}
