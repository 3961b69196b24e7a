export type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  Connector,
  ProbeOptions,
  ProbeResult,
  Target,
  TargetContext,
  TargetFailure,
} from "./connector";
export { type AnyTargetContext, connectors } from "./registry";
export { createTables } from "./sql/create-tables";
export { SqlSettings } from "./sql/settings";
export { sqlConnector } from "./sql/sql-connector";
