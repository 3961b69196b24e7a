import { serveTarget } from "../../thread/serve-target";
import { SqlTarget } from "../sql-target";
import { openSqliteEngine } from "./open-sqlite";
import { fromThread, type ThreadSettings } from "./thread-settings";

/** Everything that the program of a SQLite target's thread does. */
export function serveSqliteTarget(): void {
  serveTarget(({ name, settings }, { onStatement, onReturned }) => {
    return new SqlTarget({
      name,
      // Written by the SQLite driver in the agent's thread; both come from the same build.
      settings: fromThread(settings as ThreadSettings),
      openEngine: (opened) => openSqliteEngine(opened, onReturned),
      onStatement,
    });
  });
}
