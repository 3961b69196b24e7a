import type { Target } from "../connector";

/** One write of a row, as recorded by the target's own audit. */
export interface AuditEntry {
  readonly change: "insert" | "update" | "delete";
  readonly key: string;
  /** Version of the entity in the target's inbox at the time of the write. */
  readonly version: number;
}

/**
 * An empty system of the connector's kind, created for one case. It has two objects:
 * - `people`: key `id` (text), `upn` (text, required, unique), `display_name` (text), `age` (non-negative integer),
 *   `enabled` (boolean), `manager_id` (text; must be the id of a person)
 * - `group_members`: key `group_id`, `member_id` (text), no other columns
 *
 * and an audit that records every row written to `people`.
 */
export interface ConformanceHarness {
  /** Opens another target on the same system. The kit closes it. */
  open(): Target;
  people(): Promise<readonly PersonRow[]>;
  members(): Promise<readonly string[]>;
  audit(): Promise<readonly AuditEntry[]>;
  /** Whether text may contain the character NUL. */
  readonly storesNul: boolean;
  close(): Promise<void>;
}

/** Ordered by id. Booleans as `true` and `false`, whatever the system stores. */
export interface PersonRow {
  readonly id: string;
  readonly upn: string;
  readonly display_name: string | null;
  readonly age: number | null;
  readonly enabled: boolean | null;
  readonly manager_id: string | null;
}
