import { DatabaseSync } from "node:sqlite";

/**
 * An oracle inside the target: triggers that log every row change with the version that the inbox held for it in the same
 * transaction. It knows nothing of the product but the inbox table.
 */
const tables = {
  people: { key: "new.id", oldKey: "old.id", entity: (row: string) => `'user:' || ${row}.id` },
  groups: { key: "new.id", oldKey: "old.id", entity: (row: string) => `'group:' || ${row}.id` },
  group_members: {
    key: "new.group_id || '/' || new.member_id",
    oldKey: "old.group_id || '/' || old.member_id",
    entity: (row: string) => `'membership:' || ${row}.group_id || ':' || ${row}.member_id`,
  },
} as const;

export interface AuditRow {
  readonly sequence: number;
  readonly entity: string;
  readonly operation: "insert" | "update" | "delete";
  readonly version: number | null;
}

export class AuditedTarget {
  readonly database: DatabaseSync;

  constructor(file: string) {
    this.database = new DatabaseSync(file);
    this.database.exec("pragma journal_mode = wal; pragma busy_timeout = 5000");
    this.database.exec(
      "create table if not exists audit (sequence integer primary key autoincrement, entity text not null, operation text not null, version integer)",
    );
    for (const [table, { entity }] of Object.entries(tables)) {
      for (const operation of ["insert", "update", "delete"]) {
        const row = operation === "delete" ? "old" : "new";
        this.database.exec(
          `create trigger if not exists audit_${table}_${operation} after ${operation} on ${table} begin
             insert into audit (entity, operation, version) values (${entity(row)}, '${operation}', (select version from postern_inbox where entity = ${entity(row)}));
           end`,
        );
      }
    }
  }

  audit(): AuditRow[] {
    return this.database
      .prepare("select sequence, entity, operation, version from audit order by sequence")
      .all() as unknown as AuditRow[];
  }

  auditCount(): number {
    return Number(
      this.database.prepare("select coalesce(max(sequence), 0) as rows from audit").get()?.["rows"],
    );
  }

  rows(table: keyof typeof tables): Record<string, unknown>[] {
    return this.database.prepare(`select * from ${table}`).all();
  }

  row(table: keyof typeof tables, id: string): Record<string, unknown> | undefined {
    return this.database.prepare(`select * from ${table} where id = ?`).get(id);
  }

  close(): void {
    this.database.close();
  }
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
