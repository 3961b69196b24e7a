import { DatabaseSync } from "node:sqlite";
import {
  auditedTables,
  type AuditedTable,
  type AuditedTarget,
  type AuditRow,
} from "./audited-target";

export class AuditedSqlite implements AuditedTarget {
  readonly database: DatabaseSync;

  constructor(file: string) {
    this.database = new DatabaseSync(file);
    this.database.exec("pragma journal_mode = wal; pragma busy_timeout = 5000");
    this.database.exec(
      "create table if not exists audit (sequence integer primary key autoincrement, entity text not null, operation text not null, version integer)",
    );
    // The triggers look it up by entity alone, at every row: without this the oracle would be the slowest part.
    this.database.exec("create index if not exists audit_inbox on postern_inbox (entity)");
    for (const [table, { key }] of Object.entries(auditedTables)) this.watch(table, key);
  }

  /** Logs the changes of one more table; `key` makes the entity's name from `new` or `old`. */
  watch(table: string, key: (row: string) => string): void {
    for (const operation of ["insert", "update", "delete"]) {
      const entity = key(operation === "delete" ? "old" : "new");
      this.database.exec(
        `create trigger if not exists audit_${table}_${operation} after ${operation} on ${table} begin
           insert into audit (entity, operation, version) values (${entity}, '${operation}', (select version from postern_inbox where entity = ${entity}));
         end`,
      );
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

  rows(table: AuditedTable): Record<string, unknown>[] {
    return this.database.prepare(`select * from ${table}`).all();
  }

  row(table: AuditedTable, id: string): Record<string, unknown> | undefined {
    return this.database.prepare(`select * from ${table} where id = ?`).get(id);
  }

  close(): void {
    this.database.close();
  }
}
