import type { Connector } from "../connector";
import type { SqlTargetContext } from "./driver";
import { LazySqlTarget } from "./lazy-sql-target";
import { parseSqlSettings } from "./parse-settings";
import type { SqlSettings } from "./settings";
import { targetTraits } from "./target-traits";

/** Writes to tables of a SQL database. `drivers.ts` lists the supported products. */
export const sqlConnector: Connector<SqlSettings, SqlTargetContext> = {
  kind: targetTraits.kind,
  parseSettings: parseSqlSettings,
  open: (settings, context) => new LazySqlTarget(settings, context),
};
