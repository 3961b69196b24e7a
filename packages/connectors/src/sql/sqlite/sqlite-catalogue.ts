/** Reads the shape of a table from SQLite's catalogue. */
import { sql } from "kysely";
import type {
  Column,
  ColumnKind,
  Database,
  KeyFold,
  Reference,
  TableShape,
  UniqueKey,
} from "../engine/engine";
import { objectName, tableShape } from "../engine/table-shape";

/**
 * Type affinity by https://www.sqlite.org/datatype3.html §3.1, except for declared booleans and JSON. A name that
 * matches nothing has NUMERIC affinity: dates are kept there as text, decimals as numbers.
 */
export function kindOf(declaredType: string): ColumnKind {
  const type = declaredType.toUpperCase();
  if (type.includes("BOOL")) return "boolean";
  if (type.includes("INT")) return "integer";
  if (/CHAR|CLOB|TEXT|JSON/.test(type)) return "text";
  if (/REAL|FLOA|DOUB|DEC|NUM|MONEY/.test(type)) return "number";
  // A column without a type, or of one that only its owner knows, stores anything: keep the value as it is.
  return "other";
}

/** Such a column turns a text that looks like a number into one, also a column of JSON. */
function hasNumericAffinity(declaredType: string): boolean {
  return declaredType !== "" && !/INT|CHAR|CLOB|TEXT|BLOB|REAL|FLOA|DOUB/i.test(declaredType);
}

function numbersOf(declaredType: string, kind: ColumnKind): Pick<Column, "numbers"> {
  if (kind !== "number") return {};
  return { numbers: hasNumericAffinity(declaredType) ? "int64-or-float64" : "float64" };
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
  readonly hidden: number;
}

interface IndexRow {
  readonly index_name: string;
  readonly column_name: string | null;
  readonly coll: string;
}

interface ReferenceRow {
  readonly id: number;
  readonly parent: string;
  readonly child_column: string;
  readonly parent_column: string | null;
}

export async function describeTable(
  database: Database,
  object: string,
): Promise<TableShape | undefined> {
  const place = objectName(object);
  if (!place) return undefined;
  const { name, schema = "main" } = place;
  const { rows } = await sql<ColumnRow>`
    select name, type, "notnull", pk, hidden from pragma_table_xinfo(${name}, ${schema})`.execute(
    database,
  );
  const { rows: indexed } = await sql<IndexRow>`
    select l.name as index_name, x.name as column_name, x.coll
    from pragma_index_list(${name}, ${schema}) l, pragma_index_xinfo(l.name, ${schema}) x
    where l."unique" = 1 and l.partial = 0 and x.key = 1
    order by l.seq, x.seqno`.execute(database);
  const { rows: referring } = await sql<ReferenceRow>`
    select id, "table" as parent, "from" as child_column, "to" as parent_column
    from pragma_foreign_key_list(${name}, ${schema}) order by id, seq`.execute(database);
  const { rows: others } = await sql<{ kind: string; triggers: number }>`
    select type as kind, (select count(*) from sqlite_schema g
      where g.type = 'trigger' and lower(g.tbl_name) = lower(s.name)) as triggers
    from sqlite_schema s where type in ('table', 'view') and lower(name) = lower(${name})`.execute(
    database,
  );
  const folds = new Map(indexed.map((row) => [row.column_name, foldOf(row.coll)]));
  return tableShape({
    reference: object,
    name,
    path: object.split("."),
    identity: `${schema}.${name}`.toLowerCase(),
    columns: rows.map((row): Column => {
      const kind = kindOf(row.type);
      return {
        name: row.name,
        declaredType: row.type.toLowerCase() || "any",
        baseType: row.type.toLowerCase(),
        kind,
        ...numbersOf(row.type, kind),
        generated: row.hidden > 1,
        nullable: row.notnull === 0 && row.pk === 0,
        keyFold: folds.get(row.name) ?? "exact",
        inexact: (kind === "other" || kind === "text") && hasNumericAffinity(row.type),
      };
    }),
    uniqueKeys: others[0]?.kind === "view" ? undefined : uniqueKeysOf(rows, indexed),
    references: await referencesOf(database, schema, referring),
    hasTriggers: others[0]?.kind !== "table" || others[0].triggers > 0,
    // SQLite ignores the case of ASCII letters when it compares identifiers.
    fold: (column) => column.toLowerCase(),
  });
}

function foldOf(collation: string): KeyFold {
  switch (collation.toUpperCase()) {
    case "NOCASE":
      return "case";
    case "RTRIM":
      return "padding";
    default:
      return "exact";
  }
}

function uniqueKeysOf(columns: readonly ColumnRow[], indexed: readonly IndexRow[]): UniqueKey[] {
  const byIndex = Map.groupBy(indexed, (row) => row.index_name);
  const keys: UniqueKey[] = [];
  for (const [name, parts] of byIndex) {
    const names = parts.flatMap(({ column_name }) => column_name ?? []);
    // A part without a column is an expression.
    if (names.length === parts.length) keys.push({ name, columns: names });
  }
  const primary = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
  // The row id has no index of its own.
  if (primary.length > 0) keys.push({ name: undefined, columns: primary });
  return keys;
}

async function referencesOf(
  database: Database,
  schema: string,
  rows: readonly ReferenceRow[],
): Promise<Reference[]> {
  const references: Reference[] = [];
  for (const parts of Map.groupBy(rows, ({ id }) => id).values()) {
    const parent = parts[0]?.parent;
    if (parent === undefined) continue;
    let parentColumns = parts.flatMap(({ parent_column }) => parent_column ?? []);
    if (parentColumns.length !== parts.length) {
      // `references parent` without columns means its primary key.
      const { rows: primary } = await sql<{ name: string }>`
        select name from pragma_table_xinfo(${parent}, ${schema}) where pk > 0 order by pk`.execute(
        database,
      );
      parentColumns = primary.map(({ name }) => name);
    }
    references.push({
      constraint: undefined,
      columns: parts.map(({ child_column }) => child_column),
      parent,
      parentColumns,
    });
  }
  return references;
}
