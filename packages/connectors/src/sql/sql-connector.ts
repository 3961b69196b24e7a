import type { Connector } from "../connector";
import { parseSqlSettings, type SqlSettings } from "./settings";
import { SqlTarget } from "./sql-target";

/** Tables of a SQL database: SQLite and PostgreSQL. */
export const sqlConnector: Connector<SqlSettings> = {
  kind: "sql",
  parseSettings: parseSqlSettings,
  open: (settings, context) => new SqlTarget(settings, context),
};
