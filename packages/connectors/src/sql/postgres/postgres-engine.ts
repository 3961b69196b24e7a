import type { Secret } from "@postern/contracts";
import { Kysely, PostgresDialect, type RawBuilder, sql } from "kysely";
import type { Client, PoolClient } from "pg";
import type { Column, Database, SqlEngine, Tables } from "../engine/engine";
import { describeTable } from "./postgres-catalogue";
import { classifyPostgres, isInsufficientPrivilege } from "./postgres-failures";

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

/** The type of a parameter that stands alone. Decimals keep their digits until the column takes them. */
function typeOfGiven(column: Column): string {
  switch (column.kind) {
    case "integer":
      return "int8";
    case "number":
      return "numeric";
    default:
      return column.baseType;
  }
}

function differs(
  column: Column,
  stored: RawBuilder<unknown>,
  given: RawBuilder<unknown>,
): RawBuilder<boolean> {
  switch (column.kind) {
    case "integer":
    case "boolean":
    case "date":
    case "timestamp":
      return sql`${stored} is distinct from ${given}`;
    case "number":
      // A float is what its shortest text says, as a number of JSON is.
      return sql`${stored}::text::numeric is distinct from ${given}`;
    case "text":
      return sql`${stored}::text collate "C" is distinct from ${given}::text collate "C"`;
    case "json":
    case "other":
      // Some types have no equality (json, xml, point), others call different values equal ('1 day' and '24 hours').
      return column.baseType === "jsonb"
        ? sql`${stored} is distinct from ${given}`
        : sql`${stored}::text collate "C" is distinct from ${given}::text collate "C"`;
  }
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
    describe: (object) => describeTable(database, object, options.schema),
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
    async lockKeys(transaction, keys) {
      // Rows of `unnest` come in the order of the array.
      await sql`select count(pg_advisory_xact_lock(k)) from unnest(${keys.map(String)}::bigint[]) k`.execute(
        transaction,
      );
    },
    rowLock: sql`for update of t`,
    given: (column, parameter) => sql`${parameter}::${sql.raw(typeOfGiven(column))}`,
    differs,
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
    isNotPermitted: isInsufficientPrivilege,
    classify: classifyPostgres,
    close: () => base.destroy(),
  };
}
