import { PosternError } from "@postern/contracts";
import { type CompiledQuery, sql } from "kysely";
import type { SqlEngine } from "../engine/engine";

/** The primary key. */
export const KEY = ["definition", "entity"] as const;
/** The columns that an advance writes. */
export const VALUES = ["version", "item_id", "tombstone", "applied_at", "row_key"] as const;
export const COLUMNS = [...KEY, ...VALUES] as const;

/** Without the schema. */
const nameOf = (table: string): string => table.split(".").at(-1) ?? table;

/** Creates the table, or what a table of an earlier version lacks. Rejects with the database's own error. */
export async function createInboxTable(engine: SqlEngine, table: string): Promise<void> {
  const known = await engine.describe(table);
  if (known === undefined) await createTable(engine, table);
  else if (known.findColumn("row_key") === undefined) await addRowKey(engine, table);
}

async function createTable(engine: SqlEngine, table: string): Promise<void> {
  const { schema } = engine.database;
  try {
    await schema
      .createTable(table)
      .ifNotExists()
      .addColumn("definition", engine.typeOf("text"), (column) => column.notNull())
      .addColumn("entity", engine.typeOf("text"), (column) => column.notNull())
      .addColumn("version", engine.typeOf("integer"), (column) => column.notNull())
      .addColumn("item_id", engine.typeOf("text"), (column) => column.notNull())
      .addColumn("tombstone", engine.typeOf("boolean"), (column) => column.notNull())
      .addColumn("applied_at", engine.typeOf("timestamp"), (column) => column.notNull())
      .addColumn("row_key", engine.typeOf("text"))
      .addPrimaryKeyConstraint(`${nameOf(table)}_key`, [...KEY])
      .execute();
    await createRowIndex(engine, table);
  } catch (error) {
    // If two agents create the table at the same time, `if not exists` may still fail for the slower one.
    if (!(await engine.describe(table))) throw error;
  }
}

/** Rows of an earlier version get their key when their entity is written next. */
async function addRowKey(engine: SqlEngine, table: string): Promise<void> {
  try {
    await engine.database.schema
      .alterTable(table)
      .addColumn("row_key", engine.typeOf("text"))
      .execute();
    await createRowIndex(engine, table);
  } catch (error) {
    if ((await engine.describe(table))?.findColumn("row_key") !== undefined) return;
    if (!engine.isNotPermitted(error)) throw error;
    const index = `create index ${rowIndexOf(table)} on ${table} (row_key)`;
    throw new PosternError(
      "target-not-permitted",
      `the inbox '${table}' is of an earlier version, and the agent's account may not change it. ` +
        `Let its owner run: alter table ${table} add column row_key text; ${index};`,
    );
  }
}

const rowIndexOf = (table: string): string => `${nameOf(table)}_row`;

async function createRowIndex(engine: SqlEngine, table: string): Promise<void> {
  await engine.database.schema
    .createIndex(rowIndexOf(table))
    .ifNotExists()
    .on(table)
    .column("row_key")
    .execute();
}

/** Inserts rows, or updates rows with a lower version. Returns the keys of the rows that it wrote. */
export function compileAdvance(engine: SqlEngine, table: string, rows: number): CompiledQuery {
  const placeholders = Object.fromEntries(COLUMNS.map((column) => [column, ""]));
  const excluded = Object.fromEntries(
    VALUES.map((column) => [column, sql`${sql.id("excluded", column)}`]),
  );
  return engine.database
    .insertInto(table)
    .values(Array.from({ length: rows }, () => placeholders))
    .onConflict((conflict) =>
      conflict
        .columns(KEY)
        .doUpdateSet(excluded)
        .where(
          sql<boolean>`${sql.id(nameOf(table), "version")} < ${sql.id("excluded", "version")}`,
        ),
    )
    .returning(KEY)
    .compile();
}
