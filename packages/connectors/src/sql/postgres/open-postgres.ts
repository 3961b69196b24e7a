import { clip } from "@postern/contracts";
import type { OpenEngine } from "../driver";
import { readUrlAgain } from "../location";
import { openPostgres } from "./postgres-engine";
import { postgresUrlProblem } from "./postgres-url";

/** PostgreSQL truncates a longer `application_name`, and logs a notice each time. */
const APPLICATION_NAME_CHARS = 63;

export const openPostgresEngine: OpenEngine = (settings, name) =>
  openPostgres({
    url: readUrlAgain(settings, postgresUrlProblem),
    applicationName: clip(`postern ${name}`, APPLICATION_NAME_CHARS),
    schema: settings.schema,
    poolSize: settings.poolSize,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    lockTimeoutMs: settings.lockTimeoutMs,
  });
