import type { Target } from "../connector";

/** One row that the target's own audit saw written. */
export interface AuditEntry {
  readonly change: "insert" | "update" | "delete";
  readonly key: string;
  /** Version of the entity in the target's inbox at the time of the write. */
  readonly version: number;
}

/**
 * An empty system of the connector's kind, made for one case. It has two objects:
 * - `people`: key `id` (text), `upn` (text, required, unique), `display_name` (text), `age` (whole number, not negative),
 *   `enabled` (truth value), `manager_id` (text; must be the id of a person)
 * - `group_members`: key `group_id`, `member_id` (text), nothing else
 *
 * and an audit that logs every row written to `people`.
 */
export interface ConformanceHarness {
  /** A further target on the same system. The kit closes it. */
  open(): Target;
  people(): Promise<readonly PersonRow[]>;
  members(): Promise<readonly string[]>;
  audit(): Promise<readonly AuditEntry[]>;
  /** Whether text may hold the character NUL. */
  readonly storesNul: boolean;
  close(): Promise<void>;
}

/** Ordered by id. Truth values as such, whatever the system stores. */
export interface PersonRow {
  readonly id: string;
  readonly upn: string;
  readonly display_name: string | null;
  readonly age: number | null;
  readonly enabled: boolean | null;
  readonly manager_id: string | null;
}
