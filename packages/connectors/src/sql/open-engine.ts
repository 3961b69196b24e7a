import type { SqlEngine } from "./engine";
import { openPostgres } from "./postgres/postgres-engine";
import { locationOf, type SqlSettings } from "./settings";
import { openSqlite } from "./sqlite/sqlite-engine";

/** Contacts nothing: files and connections are opened by the first statement. */
export function openEngine(settings: SqlSettings, name: string): SqlEngine {
  const location = locationOf(settings);
  switch (location.kind) {
    case "sqlite":
      return openSqlite({ file: location.file, lockTimeoutMs: settings.lockTimeoutMs });
    case "postgres":
      return openPostgres({
        url: location.url,
        applicationName: `postern ${name}`.slice(0, 63),
        schema: settings.schema,
        poolSize: settings.poolSize,
        connectTimeoutMs: settings.connectTimeoutMs,
        statementTimeoutMs: settings.statementTimeoutMs,
        lockTimeoutMs: settings.lockTimeoutMs,
      });
  }
}
