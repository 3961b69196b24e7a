import type { Column, TableShape } from "./engine";

export interface ObjectName {
  readonly schema: string | undefined;
  readonly name: string;
}

/** `table` or `schema.table`; undefined for anything of more parts. */
export function objectName(object: string): ObjectName | undefined {
  const [first = "", second, ...rest] = object.split(".");
  if (rest.length > 0) return undefined;
  return second === undefined
    ? { schema: undefined, name: first }
    : { schema: first, name: second };
}

/**
 * A table as the catalogue has it; undefined without columns: then there is none.
 *
 * @param reference as Kysely takes it
 * @param fold turns a name into what the database compares
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
