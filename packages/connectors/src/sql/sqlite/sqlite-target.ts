import { SqlTarget } from "../sql-target";
import type { StatementSink } from "../statement-span";
import { openSqliteEngine } from "./open-sqlite";
import { fromThread, type ThreadSettings } from "./thread-settings";

/** A SQLite target in this very thread, which stands still while a statement runs. */
export function openSqliteTarget(
  name: string,
  settings: ThreadSettings,
  onStatement: StatementSink,
): SqlTarget {
  return new SqlTarget({
    name,
    settings: fromThread(settings),
    openEngine: openSqliteEngine,
    onStatement,
  });
}
