import type { Secret } from "@postern/contracts";
import { Kysely, PostgresDialect, sql } from "kysely";
import type { Client, PoolClient } from "pg";
import type { Column, ColumnKind, Database, SqlEngine, TableShape, Tables } from "../engine/engine";
import { objectName, tableShape } from "../engine/table-shape";
import { classifyPostgres } from "./postgres-failures";

/** The protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535;
/** An agent that stops responding must not hold row locks for longer than this. */
const IDLE_IN_TRANSACTION_MS = 15_000;
/** The client gives up this much later than the server: a server that is gone cannot cancel a statement. */
const CLIENT_GRACE_MS = 5_000;

export interface PostgresOptions {
  readonly url: Secret;
  readonly applicationName: string;
  readonly schema: string | undefined;
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
}

async function openPool(options: PostgresOptions) {
  // Loaded on first use: an agent without a PostgreSQL target never loads it.
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: options.url.reveal(),
    application_name: options.applicationName,
    // One more than the transactions, so that a probe never waits for them.
    max: options.poolSize + 1,
    connectionTimeoutMillis: options.connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + CLIENT_GRACE_MS,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  });
  // The statement that uses a broken connection fails anyway. Without a listener, the error would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
    endAfterSilence(client, (error) => error instanceof pg.DatabaseError);
  });
  return pool;
}

/**
 * Closes a connection when a query fails with anything but an error from the server, above all when the server has not
 * answered within the client's own limit: `pg` would hand out the connection as idle, and the next query would wait
 * behind the statement that never ends. Kysely uses promises only, so queries with callbacks are not watched.
 */
function endAfterSilence(client: PoolClient, isAnswer: (error: unknown) => boolean): void {
  const query = client.query.bind(client) as (...all: unknown[]) => unknown;
  const watched = (...all: unknown[]): unknown => {
    const answer = query(...all);
    if (answer instanceof Promise) {
      answer.catch((error: unknown) => {
        // While a query is running, this destroys the socket. The pool drops the client; its types omit `end`.
        if (!isAnswer(error)) (client as unknown as Client).end().catch(() => undefined);
      });
    }
    return answer;
  };
  Object.assign(client, { query: watched });
}

const KINDS: Readonly<Record<string, ColumnKind>> = {
  text: "text",
  varchar: "text",
  bpchar: "text",
  citext: "text",
  name: "text",
  int2: "integer",
  int4: "integer",
  int8: "integer",
  float4: "number",
  float8: "number",
  numeric: "number",
  money: "number",
  bool: "boolean",
  json: "json",
  jsonb: "json",
};

interface CatalogueRow {
  readonly name: string;
  readonly declared: string;
  readonly base: string;
  readonly generated: boolean;
}

export function openPostgres(options: PostgresOptions): SqlEngine {
  const base = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: () => openPool(options) }),
  });
  const database: Database = options.schema === undefined ? base : base.withSchema(options.schema);
  return {
    system: "postgresql",
    database,
    maxParameters: MAX_PARAMETERS,
    maxConcurrentTransactions: options.poolSize,
    readCommitted: undefined,
    async describe(object): Promise<TableShape | undefined> {
      const place = objectName(object);
      if (!place) return undefined;
      const { name, schema = options.schema } = place;
      const path =
        schema === undefined
          ? sql`format('%I', ${name}::text)`
          : sql`format('%I.%I', ${schema}::text, ${name}::text)`;
      const { rows } = await sql<CatalogueRow>`
        select a.attname as name, format_type(a.atttypid, a.atttypmod) as declared,
               coalesce(b.typname, t.typname) as base, a.attgenerated <> '' as generated
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_type t on t.oid = a.atttypid
        left join pg_catalog.pg_type b on b.oid = nullif(t.typbasetype, 0)
        where a.attrelid = to_regclass(${path}) and a.attnum > 0 and not a.attisdropped`.execute(
        database,
      );
      const columns = rows.map((row): Column => ({
        name: row.name,
        declaredType: row.declared,
        kind: KINDS[row.base] ?? "other",
        generated: row.generated,
        comparedAsText: ["json", "xml", "point", "polygon"].includes(row.base),
      }));
      return tableShape(object, name, columns, (column) => column);
    },
    async tableNames() {
      const { rows } = await sql<{ name: string }>`
        select c.relname as name from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
        limit 1000`.execute(database);
      return rows.map((row) => row.name);
    },
    async identify() {
      const { rows } = await sql<{ version: string; read_only: string }>`
        select current_setting('server_version') as version,
               current_setting('transaction_read_only') as read_only`.execute(database);
      return {
        product: `PostgreSQL ${rows[0]?.version ?? ""}`.trim(),
        readOnly: rows[0]?.read_only === "on",
      };
    },
    toParameter: (value) => value,
    rowsIn: (columns, rows) =>
      sql`(${sql.join(columns.map((column) => sql.id(column)))}) in (${sql.join(
        rows.map((row) => sql`(${sql.join(row.map((value) => sql.val(value)))})`),
      )})`,
    typeOf(type) {
      switch (type) {
        case "text":
          return sql`text`;
        case "integer":
          return sql`bigint`;
        case "real":
          return sql`double precision`;
        case "boolean":
          return sql`boolean`;
        case "timestamp":
          return sql`timestamptz`;
      }
    },
    classify: classifyPostgres,
    close: () => base.destroy(),
  };
}
