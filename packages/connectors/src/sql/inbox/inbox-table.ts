import { type CompiledQuery, sql } from "kysely";
import type { SqlEngine } from "../engine/engine";

/** The primary key. */
export const KEY = ["definition", "entity"] as const;
/** The columns that an advance writes. */
export const VALUES = ["version", "item_id", "tombstone", "applied_at"] as const;
export const COLUMNS = [...KEY, ...VALUES] as const;

/** Without the schema. */
const nameOf = (table: string): string => table.split(".").at(-1) ?? table;

/** Creates the table if it does not exist. Rejects with the database's own error. */
export async function createInboxTable(engine: SqlEngine, table: string): Promise<void> {
  if (await engine.describe(table)) return;
  try {
    await engine.database.schema
      .createTable(table)
      .ifNotExists()
      .addColumn("definition", engine.typeOf("text"), (column) => column.notNull())
      .addColumn("entity", engine.typeOf("text"), (column) => column.notNull())
      .addColumn("version", engine.typeOf("integer"), (column) => column.notNull())
      .addColumn("item_id", engine.typeOf("text"), (column) => column.notNull())
      .addColumn("tombstone", engine.typeOf("boolean"), (column) => column.notNull())
      .addColumn("applied_at", engine.typeOf("timestamp"), (column) => column.notNull())
      .addPrimaryKeyConstraint(`${nameOf(table)}_key`, [...KEY])
      .execute();
  } catch (error) {
    // If two agents create the table at the same time, `if not exists` may still fail for the slower one.
    if (!(await engine.describe(table))) throw error;
  }
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
