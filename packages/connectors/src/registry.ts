import type { SqlTargetContext } from "./sql/driver";
import { sqlConnector } from "./sql/sql-connector";

/** Every connector by kind: the values that `connector:` may have in the agent's settings. */
export const connectors = { [sqlConnector.kind]: sqlConnector } as const;

/** What a program needs in order to open a target of any kind. Each connector takes the part that it needs. */
export type AnyTargetContext = SqlTargetContext;
