import type { Column, TableShape } from "./engine";

export interface ObjectName {
  readonly schema: string | undefined;
  readonly name: string;
}

/** Parses `table` or `schema.table`; undefined for a name of more parts. */
export function objectName(object: string): ObjectName | undefined {
  const [first = "", second, ...rest] = object.split(".");
  if (rest.length > 0) return undefined;
  return second === undefined
    ? { schema: undefined, name: first }
    : { schema: first, name: second };
}

/**
 * The shape of a table in the catalogue; undefined without columns, because then there is no such table.
 *
 * @param reference for Kysely
 * @param fold turns a column name into the form that the database compares
 */
export function tableShape(
  reference: string,
  name: string,
  columns: readonly Column[],
  fold: (name: string) => string,
): TableShape | undefined {
  if (columns.length === 0) return undefined;
  const byName = new Map(columns.map((column) => [fold(column.name), column]));
  return { reference, name, columns, findColumn: (column) => byName.get(fold(column)) };
}
