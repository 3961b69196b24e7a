import type { TableShape } from "./engine";

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

/** What a database knows about a table. */
export interface TableFacts extends Omit<TableShape, "findColumn"> {
  /** Turns a column name into the form that the database compares. */
  readonly fold: (name: string) => string;
}

/** The shape of a table in the catalogue; undefined without columns, because then there is no such table. */
export function tableShape({ fold, ...facts }: TableFacts): TableShape | undefined {
  if (facts.columns.length === 0) return undefined;
  const byName = new Map(facts.columns.map((column) => [fold(column.name), column]));
  return { ...facts, findColumn: (column) => byName.get(fold(column)) };
}
