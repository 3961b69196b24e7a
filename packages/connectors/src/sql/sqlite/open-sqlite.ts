import type { SqlEngine } from "../engine/engine";
import { locationOf, otherKind } from "../location";
import type { SqlSettings } from "../settings";
import { openSqlite } from "./sqlite-engine";

/** Opens no file yet. @throws PosternError `settings-invalid` */
export function openSqliteEngine(settings: SqlSettings, onReturned?: () => void): SqlEngine {
  const location = locationOf(settings);
  if (location.kind !== "sqlite") throw otherKind();
  return openSqlite({
    file: location.file,
    lockTimeoutMs: settings.lockTimeoutMs,
    ...(onReturned === undefined ? {} : { onReturned }),
  });
}
