import { type CompiledQuery, sql } from "kysely";
import type { SqlEngine } from "../engine/engine";

/** What tells rows apart. */
export const KEY = ["definition", "entity"] as const;
/** What an advance of a row writes. */
export const VALUES = ["version", "item_id", "tombstone", "applied_at"] as const;
export const COLUMNS = [...KEY, ...VALUES] as const;

/** Without the schema. */
const nameOf = (table: string): string => table.split(".").at(-1) ?? table;

/** Creates the table if it is absent. Throws what the database throws. */
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
    // Two agents at once: `if not exists` may still fail for the slower one.
    if (!(await engine.describe(table))) throw error;
  }
}

/** Inserts rows, or updates those whose version is lower; returns the keys of the rows that it wrote. */
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
