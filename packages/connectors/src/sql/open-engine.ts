import type { SqlEngine } from "./engine/engine";
import { locationOf } from "./location";
import { openPostgresEngine } from "./postgres/open-postgres";
import type { SqlSettings } from "./settings";
import { openSqliteEngine } from "./sqlite/open-sqlite";

/** Contacts nothing: files and connections are opened by the first statement. */
export function openEngine(settings: SqlSettings, name: string): SqlEngine {
  return locationOf(settings).kind === "sqlite"
    ? openSqliteEngine(settings)
    : openPostgresEngine(settings, name);
}
