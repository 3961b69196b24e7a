import type { SqlEngine } from "../engine/engine";
import type { SqlSettings } from "../settings";
import { openSqlite } from "./sqlite-engine";
import { sqliteFile } from "./sqlite-url";

/**
 * Opens no file yet.
 *
 * @param onReturned called when a statement of whatever kind has come back from the driver, also in failure
 * @throws PosternError `settings-invalid`
 */
export function openSqliteEngine(settings: SqlSettings, onReturned?: () => void): SqlEngine {
  return openSqlite({
    file: sqliteFile(settings),
    lockTimeoutMs: settings.lockTimeoutMs,
    ...(onReturned === undefined ? {} : { onReturned }),
  });
}
