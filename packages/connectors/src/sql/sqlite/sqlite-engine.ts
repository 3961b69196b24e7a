import { Kysely, sql } from "kysely";
import type { SqlEngine, SqlParameter, Tables } from "../engine/engine";
import { describeTable } from "./sqlite-catalogue";
import { NodeSqliteDialect, type SqliteOptions } from "./sqlite-dialect";
import { classifySqlite } from "./sqlite-failures";

/** Default of SQLITE_MAX_VARIABLE_NUMBER since 3.32. */
const MAX_PARAMETERS = 32_766;

function parameterOf(value: string | number | boolean): SqlParameter {
  if (typeof value === "boolean") return value ? 1n : 0n;
  // node:sqlite binds numbers as floating point, which a text or untyped column would store as `1.0`.
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
}

export function openSqlite(options: SqliteOptions): SqlEngine {
  const dialect = new NodeSqliteDialect(options);
  const database = new Kysely<Tables>({ dialect });
  return {
    system: "sqlite",
    database,
    maxParameters: MAX_PARAMETERS,
    maxConcurrentTransactions: 1,
    async readCommitted(read) {
      // If the file was replaced in the meantime, closing a second connection to it would release the locks.
      if (!dialect.isOpen) throw new Error("the file was replaced in the middle of a transaction");
      // Not kept open: only the main connection notices when the file is replaced, and this one must not outlive it.
      const committed = new Kysely<Tables>({ dialect: new NodeSqliteDialect(options) });
      try {
        return await read(committed);
      } finally {
        await committed.destroy();
      }
    },
    describe: (object) => describeTable(database, object),
    async tableNames() {
      const { rows } = await sql<{
        name: string;
      }>`select name from pragma_table_list where schema = 'main' and name not like 'sqlite_%'`.execute(
        database,
      );
      return rows.map((row) => row.name);
    },
    async identify() {
      const { rows } = await sql<{
        version: string;
        tables: number;
      }>`select sqlite_version() as version, (select count(*) from sqlite_schema) as tables`.execute(
        database,
      );
      return { product: `SQLite ${rows[0]?.version ?? ""}`.trim(), readOnly: false };
    },
    given: (_, parameter) => sql`${parameter}`,
    // The plus takes the column's affinity away, so that a text and a number differ.
    differs: (_, stored, given) => sql`(+${stored}) collate binary is not ${given}`,
    toParameter: parameterOf,
    rowsIn: (columns, rows) =>
      sql`(${sql.join(columns.map((column) => sql.id(column)))}) in (values ${sql.join(
        rows.map((row) => sql`(${sql.join(row.map((value) => sql.val(value)))})`),
      )})`,
    typeOf(type) {
      switch (type) {
        case "text":
        case "timestamp":
          return sql`text`;
        case "integer":
          return sql`integer`;
        case "real":
          return sql`real`;
        case "boolean":
          return sql`boolean`;
      }
    },
    isNotPermitted: () => false,
    classify: classifySqlite,
    close: () => database.destroy(),
  };
}
