import type { SqlTargetContext } from "./sql/driver";
import { sqlConnector } from "./sql/sql-connector";

/** Every connector by kind: what `connector:` in the agent's settings may say. */
export const connectors = { [sqlConnector.kind]: sqlConnector } as const;

/** What a program that opens targets of any kind has to offer: each connector takes of it what it wants. */
export type AnyTargetContext = SqlTargetContext;
