import { serveTarget } from "../../thread/serve-target";
import { SqlTarget } from "../sql-target";
import { openSqliteEngine } from "./open-sqlite";
import { fromThread, type ThreadSettings } from "./thread-settings";

/** The whole of what the program of a SQLite target's thread does. */
export function serveSqliteTarget(): void {
  serveTarget(({ name, settings }, { onStatement, onReturned }) => {
    return new SqlTarget({
      name,
      // Written by the SQLite driver in the agent's thread; both are of one build.
      settings: fromThread(settings as ThreadSettings),
      openEngine: (opened) => openSqliteEngine(opened, onReturned),
      onStatement,
    });
  });
}
