/**
 * An oracle inside the target: triggers that log every row change with the version that the inbox held for it in the
 * same transaction. It knows nothing of the product but the inbox table.
 */
export const auditedTables = {
  people: { key: (row: string) => `'user:' || ${row}.id` },
  groups: { key: (row: string) => `'group:' || ${row}.id` },
  group_members: {
    key: (row: string) => `'membership:' || ${row}.group_id || ':' || ${row}.member_id`,
  },
} as const;
export type AuditedTable = keyof typeof auditedTables;

/** Kinds of targets that chaos runs against. */
export const targetKinds = ["sqlite", "postgres"] as const;
export type TargetKind = (typeof targetKinds)[number];

export interface AuditRow {
  readonly sequence: number;
  readonly entity: string;
  readonly operation: "insert" | "update" | "delete";
  readonly version: number | null;
}

type Soon<T> = T | Promise<T>;

/** A target that is watched from outside the product, over a connection of its own. */
export interface AuditedTarget {
  /** Every row change so far, in order. */
  audit(): Soon<AuditRow[]>;
  auditCount(): Soon<number>;
  /** All rows; truth values are 0 and 1. */
  rows(table: AuditedTable): Soon<Record<string, unknown>[]>;
  close(): Soon<void>;
}

/** What the audit log must never show: one (entity, version) twice, or a version that falls. */
export function auditViolations(rows: readonly AuditRow[]): string[] {
  const last = new Map<string, number>();
  const violations: string[] = [];
  for (const { entity, version, operation, sequence } of rows) {
    if (version === null) {
      violations.push(`${entity}: ${operation} without a version (#${sequence})`);
      continue;
    }
    const previous = last.get(entity);
    if (previous === version)
      violations.push(`${entity}: version ${version} took effect twice (#${sequence})`);
    if (previous !== undefined && version < previous)
      violations.push(`${entity}: version fell from ${previous} to ${version} (#${sequence})`);
    last.set(entity, version);
  }
  return violations;
}
