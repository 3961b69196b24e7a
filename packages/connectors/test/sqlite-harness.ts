import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AuditEntry, ConformanceHarness } from "../src/conformance";
import { sqlConnector } from "../src/index";
import { threadProgram } from "./thread-program";

const inbox = `
create table postern_inbox (
  definition text not null, entity text not null, version integer not null, item_id text not null,
  tombstone boolean not null, applied_at text not null, primary key (definition, entity));`;
const tables = `
create table people (
  id text primary key, upn text not null unique, display_name text, age integer check (age >= 0), enabled boolean,
  manager_id text references people (id));
create table group_members (group_id text, member_id text, primary key (group_id, member_id));
create table audit (at integer primary key autoincrement, change text, key text, version integer);`;
const trigger = (change: string, row: string): string => `
create trigger audit_${change} after ${change} on people begin
  insert into audit (change, key, version)
  values ('${change}', ${row}.id, (select version from postern_inbox where entity = 'user:' || ${row}.id));
end;`;

export interface SqliteHarness extends ConformanceHarness {
  readonly file: string;
  readonly database: DatabaseSync;
}

export function sqliteHarness(): SqliteHarness {
  const directory = mkdtempSync(path.join(tmpdir(), "postern sql-"));
  const file = path.join(directory, "target.db");
  const database = new DatabaseSync(file);
  database.exec(`pragma journal_mode = wal; ${inbox} ${tables}`);
  database.exec(trigger("insert", "new") + trigger("update", "new") + trigger("delete", "old"));
  const settings = sqlConnector.parseSettings({ url: `sqlite:${file}` });
  const truth = (value: unknown): boolean | null => (value === null ? null : value === 1);
  // node:sqlite creates its arrays outside the test's realm, where they are not equal to the test's arrays.
  const rows = (query: string) => Array.from(database.prepare(query).all());
  return {
    file,
    database,
    storesNul: true,
    open: () => sqlConnector.open(settings, { name: "hr-db", sqliteThreadProgram: threadProgram }),
    people: async () =>
      rows("select * from people order by id").map((row) => ({
        id: String(row["id"]),
        upn: String(row["upn"]),
        display_name: text(row["display_name"]),
        age: row["age"] === null ? null : Number(row["age"]),
        enabled: truth(row["enabled"]),
        manager_id: text(row["manager_id"]),
      })),
    members: async () =>
      rows("select group_id || '/' || member_id as pair from group_members order by 1").map((row) =>
        String(row["pair"]),
      ),
    audit: async () =>
      rows("select change, key, version from audit order by at").map((row) => ({
        change: row["change"] as AuditEntry["change"],
        key: String(row["key"]),
        version: Number(row["version"]),
      })),
    async close() {
      database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
