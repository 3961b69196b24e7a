import { sqlConnector } from "./sql/sql-connector";

/** Every connector by kind: what `connector:` in the agent's settings may say. */
export const connectors = { [sqlConnector.kind]: sqlConnector } as const;
