import type { SqlSettings } from "../settings";
import { SqlTarget } from "../sql-target";
import { traceStatement } from "../../tracing/trace-statement";
import { openPostgresEngine } from "./open-postgres";

export function openPostgresTarget(name: string, settings: SqlSettings): SqlTarget {
  return new SqlTarget({
    name,
    settings,
    openEngine: openPostgresEngine,
    onStatement: traceStatement,
  });
}
