import { Pool } from "pg";
import {
  auditedTables,
  type AuditedTable,
  type AuditedTarget,
  type AuditRow,
} from "./audited-target";

export class AuditedPostgres implements AuditedTarget {
  /** Of one connection, reopened after the server was unreachable. */
  readonly #client: Pool;

  private constructor(client: Pool) {
    this.#client = client;
  }

  /** The tables and the inbox exist by now. */
  static async open(url: string): Promise<AuditedPostgres> {
    const client = new Pool({ connectionString: url, max: 1 });
    // The server may be stopped on purpose; the next query reports it.
    client.on("error", () => undefined);
    await client.query(
      "create table if not exists audit (sequence bigserial primary key, entity text not null, operation text not null, version bigint)",
    );
    // The triggers look it up by entity alone, at every row: without this the oracle would be the slowest part.
    await client.query("create index if not exists audit_inbox on postern_inbox (entity)");
    const target = new AuditedPostgres(client);
    for (const [table, { key }] of Object.entries(auditedTables)) await target.watch(table, key);
    return target;
  }

  /** Logs the changes of one more table; `key` makes the entity's name from `new` or `old`. */
  async watch(table: string, key: (row: string) => string): Promise<void> {
    await this.#client.query(
      `create or replace function audit_${table}() returns trigger language plpgsql as $$
       declare changed text;
       begin
         if tg_op = 'DELETE' then changed := ${key("old")}; else changed := ${key("new")}; end if;
         insert into audit (entity, operation, version)
         values (changed, lower(tg_op), (select version from postern_inbox where entity = changed));
         return null;
       end $$;
       drop trigger if exists audit_${table} on ${table};
       create trigger audit_${table} after insert or update or delete on ${table} for each row execute function audit_${table}();`,
    );
  }

  async execute(statement: string): Promise<void> {
    await this.#client.query(statement);
  }

  async count(table: string): Promise<number> {
    const { rows } = await this.#client.query<{ rows: string }>(
      `select count(*) as rows from ${table}`,
    );
    return Number(rows[0]?.rows ?? 0);
  }

  async audit(): Promise<AuditRow[]> {
    const { rows } = await this.#client.query<AuditRow>(
      "select sequence::float8 as sequence, entity, operation, version::float8 as version from audit order by audit.sequence",
    );
    return rows;
  }

  /** Rolled-back writes leave gaps in the sequence: counted, not read off it. */
  auditCount(): Promise<number> {
    return this.count("audit");
  }

  async rows(table: AuditedTable): Promise<Record<string, unknown>[]> {
    const { rows } = await this.#client.query<Record<string, unknown>>(`select * from ${table}`);
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          typeof value === "boolean" ? Number(value) : value,
        ]),
      ),
    );
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }
}
