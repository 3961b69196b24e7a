// A target's thread that is disturbed in the middle of a statement, as the values of the statement say:
//   BLOCK UNTIL path    the statement cannot be interrupted and does not return before the file exists
//   TAKE milliseconds   the statement takes at least this long
//   CLOSE AFTER path    closing the database does not return before the file exists
//   EXIT, MEMORY        the thread ends
import { spawnSync } from "node:child_process";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { serveSqliteTarget } from "../src/sql/sqlite/serve-sqlite-target";

let closeAfter: string | undefined;

function blockUntil(file: string): void {
  const script = 'touch "$1.reached"; until [ -e "$1" ]; do sleep 0.02; done';
  spawnSync("sh", ["-c", script, "-", file]);
}

function disturb(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value !== "string") continue;
    const [, file] = /^BLOCK UNTIL (.*)$/.exec(value) ?? [];
    if (file !== undefined) blockUntil(file);
    closeAfter = /^CLOSE AFTER (.*)$/.exec(value)?.[1] ?? closeAfter;
    const [, takeMs] = /^TAKE (\d+)$/.exec(value) ?? [];
    if (takeMs !== undefined) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(takeMs));
    }
    if (value === "EXIT") process.exit(3);
    // In small pieces: one large piece would end the whole process before V8 can stop the thread.
    if (value === "MEMORY") for (let hoard: object = {}; ;) hoard = { hoard };
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the statement that it is called on
const all: (...values: never[]) => unknown = StatementSync.prototype.all;
Object.assign(StatementSync.prototype, {
  all(this: StatementSync, ...values: never[]): unknown {
    disturb(values);
    return Reflect.apply(all, this, values);
  },
});

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the database that it is called on
const close: () => void = DatabaseSync.prototype.close;
DatabaseSync.prototype.close = function (this: DatabaseSync): void {
  if (closeAfter !== undefined) blockUntil(closeAfter);
  Reflect.apply(close, this, []);
};

serveSqliteTarget();
