import { SqlTarget } from "../sql-target";
import type { StatementSink } from "../../tracing/statement-span";
import { openSqliteEngine } from "./open-sqlite";
import { fromThread, type ThreadSettings } from "./thread-settings";

export interface SqliteTargetListeners {
  readonly onStatement: StatementSink;
  /** A statement of whatever kind has come back from the driver, also in failure. */
  readonly onReturned: () => void;
}

/** A SQLite target in this very thread, which stands still while a statement runs. */
export function openSqliteTarget(
  name: string,
  settings: ThreadSettings,
  { onStatement, onReturned }: SqliteTargetListeners,
): SqlTarget {
  return new SqlTarget({
    name,
    settings: fromThread(settings),
    openEngine: (opened) => openSqliteEngine(opened, onReturned),
    onStatement,
  });
}
