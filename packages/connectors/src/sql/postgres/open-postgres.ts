import type { SqlEngine } from "../engine/engine";
import { locationOf, otherKind } from "../location";
import type { SqlSettings } from "../settings";
import { openPostgres } from "./postgres-engine";

/** Opens no connection yet. @throws PosternError `settings-invalid` */
export function openPostgresEngine(settings: SqlSettings, name: string): SqlEngine {
  const location = locationOf(settings);
  if (location.kind !== "postgres") throw otherKind();
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
