import type { SqlEngine } from "../engine/engine";
import type { SqlSettings } from "../settings";
import { openSqlite } from "./sqlite-engine";
import { sqliteFile } from "./sqlite-url";

/**
 * Opens an engine; the first statement opens the file.
 *
 * @param onReturned called each time a statement returns or fails
 * @throws PosternError `settings-invalid`
 */
export function openSqliteEngine(settings: SqlSettings, onReturned?: () => void): SqlEngine {
  return openSqlite({
    file: sqliteFile(settings),
    lockTimeoutMs: settings.lockTimeoutMs,
    ...(onReturned === undefined ? {} : { onReturned }),
  });
}
