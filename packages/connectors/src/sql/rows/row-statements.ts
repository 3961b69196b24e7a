/**
 * The statements on a target's own tables. Each is compiled for a number of rows of one shape, with the items'
 * parameters in order: keys, then values.
 *
 * `v` is the list of given rows: `n`, the number of the item, and `a0`, `a1` …, its cells. `t` is the table.
 */
import { type CompiledQuery, type RawBuilder, sql } from "kysely";
import type { Column, SqlEngine, SqlParameter } from "../engine/engine";
import { columnsOf, type PlannedItem } from "./planned-item";

export type StatementKind = "compare" | "insert" | "update" | "delete";

/** A row that exists, and whether it differs from what the item wants. */
export interface ComparedRow {
  readonly n: number;
  readonly differs: number;
}

const cellName = (index: number): string => `a${index}`;
const stored = (column: Column) => sql`${sql.id("t", column.name)}`;
const given = (index: number) => sql`${sql.id("v", cellName(index))}`;
/** Stands for a parameter until the statement is bound. */
const PLACEHOLDER: SqlParameter = "";

export function compileRows(
  engine: SqlEngine,
  kind: StatementKind,
  item: PlannedItem,
  rows: number,
): CompiledQuery {
  switch (kind) {
    case "compare":
      return compileCompare(engine, item, rows);
    case "insert":
      return compileInsert(engine, item, rows);
    case "update":
      return compileUpdate(engine, item, rows);
    case "delete":
      return compileDelete(engine, item, rows);
  }
}

/** The columns whose stored values are others than the given, as `d0`, `d1` … of one row. */
export function compileDifferences(engine: SqlEngine, item: PlannedItem): CompiledQuery {
  const columns = columnsOf(item).map(
    (column, index) =>
      sql`${flag(engine.differs(column, stored(column), given(index)))} as ${sql.id(`d${index}`)}`,
  );
  return sql`${givenRows(engine, item, 1)} select ${sql.join(columns)} from v
    cross join ${sql.id(...item.table.path)} as t where ${sameKey(item)}`.compile(engine.database);
}

/** Selects the rows that exist and, where they may be updated, locks them. */
function compileCompare(engine: SqlEngine, item: PlannedItem, rows: number): CompiledQuery {
  const lock = item.valueColumns.length > 0 ? engine.rowLock : undefined;
  return sql`${givenRows(engine, item, rows)} select v.n as n, ${flag(anyDifference(engine, item))} as differs
    from v cross join ${sql.id(...item.table.path)} as t where ${sameKey(item)} ${lock ?? sql``}`.compile(
    engine.database,
  );
}

/** Updates the rows that exist. A key in another spelling that the column calls equal is corrected. */
function compileUpdate(engine: SqlEngine, item: PlannedItem, rows: number): CompiledQuery {
  const sets = changeable(item).map(
    ([index, column]) => sql`${sql.id(column.name)} = ${given(index)}`,
  );
  return sql`${givenRows(engine, item, rows)} update ${sql.id(...item.table.path)} as t
    set ${sql.join(sets)} from v where ${sameKey(item)}`.compile(engine.database);
}

/** A row that another writer has inserted meanwhile is left alone. */
function compileInsert(engine: SqlEngine, item: PlannedItem, rows: number): CompiledQuery {
  const row = Object.fromEntries(columnsOf(item).map(({ name }) => [name, PLACEHOLDER]));
  return engine.database
    .insertInto(item.table.reference)
    .values(Array.from({ length: rows }, () => row))
    .onConflict((conflict) => conflict.columns(item.keyColumns.map(({ name }) => name)).doNothing())
    .compile();
}

function compileDelete(engine: SqlEngine, item: PlannedItem, rows: number): CompiledQuery {
  const names = item.keyColumns.map(({ name }) => name);
  const [single, ...others] = names;
  const placeholders = Array.from({ length: rows }, () => names.map(() => PLACEHOLDER));
  const matches =
    single !== undefined && others.length === 0
      ? sql<boolean>`${sql.id(single)} in (${sql.join(placeholders.flat().map((value) => sql.val(value)))})`
      : engine.rowsIn(names, placeholders);
  return engine.database.deleteFrom(item.table.reference).where(matches).compile();
}

const flag = (condition: RawBuilder<unknown>) => sql`case when ${condition} then 1 else 0 end`;

function givenRows(engine: SqlEngine, item: PlannedItem, rows: number): RawBuilder<unknown> {
  const columns = columnsOf(item);
  const names = columns.map((_, index) => sql.id(cellName(index)));
  const values = Array.from({ length: rows }, (_, n) => {
    const cells = columns.map((column) => engine.given(column, PLACEHOLDER));
    return sql`(${sql.lit(n)}, ${sql.join(cells)})`;
  });
  return sql`with v (n, ${sql.join(names)}) as (values ${sql.join(values)})`;
}

function sameKey(item: PlannedItem): RawBuilder<unknown> {
  const pairs = item.keyColumns.map((column, index) => sql`${stored(column)} = ${given(index)}`);
  return sql.join(pairs, sql` and `);
}

/** What an update may change of a row: its values, and a key that the column takes in more than one spelling. */
function changeable(item: PlannedItem): [number, Column][] {
  return [...columnsOf(item).entries()].filter(
    ([index, column]) => index >= item.keyColumns.length || column.keyFold !== "exact",
  );
}

function anyDifference(engine: SqlEngine, item: PlannedItem): RawBuilder<unknown> {
  const conditions = changeable(item).map(([index, column]) =>
    engine.differs(column, stored(column), given(index)),
  );
  return conditions.length === 0 ? sql`false` : sql.join(conditions, sql` or `);
}
