/** Reads the shape of a table from PostgreSQL's catalogue. */
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

const KINDS: Readonly<Record<string, ColumnKind>> = {
  text: "text",
  varchar: "text",
  bpchar: "text",
  citext: "text",
  name: "text",
  int2: "integer",
  int4: "integer",
  int8: "integer",
  float4: "number",
  float8: "number",
  numeric: "number",
  money: "number",
  bool: "boolean",
  json: "json",
  jsonb: "json",
  date: "date",
  timestamp: "timestamp",
  timestamptz: "timestamp",
};

/** Types of kind `other` that store exactly what their input function has read. */
const EXACT_OTHERS: ReadonlySet<string> = new Set(["uuid", "inet", "cidr", "macaddr", "bytea"]);
/** `atttypmod` of a text is its length and the four bytes of a header. */
const HEADER = 4;
const FULL_SECOND_DIGITS = 6;
const MONEY_DECIMALS = 2;

interface ColumnRow {
  readonly name: string;
  readonly declared: string;
  readonly base: string;
  readonly plain: string;
  readonly modifier: number;
  readonly generated: boolean;
  readonly required: boolean;
  readonly loose: boolean;
}

interface TableRow {
  readonly oid: string;
  readonly identity: string;
  readonly kind: string;
  readonly has_triggers: boolean;
}

interface KeyRow {
  readonly name: string;
  readonly columns: string[];
}

interface ReferenceRow {
  readonly name: string;
  readonly columns: string[];
  readonly parent: string;
  readonly parent_columns: string[];
}

export async function describeTable(
  database: Database,
  object: string,
  defaultSchema: string | undefined,
): Promise<TableShape | undefined> {
  const place = objectName(object);
  if (!place) return undefined;
  const { name, schema = defaultSchema } = place;
  const path =
    schema === undefined
      ? sql`format('%I', ${name}::text)`
      : sql`format('%I.%I', ${schema}::text, ${name}::text)`;
  const { rows: tables } = await sql<TableRow>`
    select c.oid::text as oid, n.nspname || '.' || c.relname as identity, c.relkind::text as kind,
           c.relhasrules or exists (select from pg_catalog.pg_trigger g
                                    where g.tgrelid = c.oid and not g.tgisinternal) as has_triggers
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${path})`.execute(database);
  const table = tables[0];
  if (table === undefined) return undefined;
  const isTable = table.kind === "r" || table.kind === "p";
  return tableShape({
    reference: object,
    name,
    path: schema === undefined ? [name] : [schema, name],
    identity: table.identity,
    columns: await columnsOf(database, table.oid),
    uniqueKeys: isTable ? await uniqueKeysOf(database, table.oid) : undefined,
    references: await referencesOf(database, table.oid),
    hasTriggers: !isTable || table.has_triggers,
    fold: (column) => column,
  });
}

async function columnsOf(database: Database, oid: string): Promise<Column[]> {
  const { rows } = await sql<ColumnRow>`
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as declared, b.typname as base,
           format_type(b.oid, -1) as plain,
           case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as modifier,
           a.attgenerated <> '' as generated, a.attnotnull or t.typnotnull as required,
           coalesce(not l.collisdeterministic, false) as loose
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    join pg_catalog.pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    left join pg_catalog.pg_collation l on l.oid = a.attcollation
    where a.attrelid = ${oid}::oid and a.attnum > 0 and not a.attisdropped
    order by a.attnum`.execute(database);
  return rows.map(columnOf);
}

function columnOf(row: ColumnRow): Column {
  const kind = KINDS[row.base] ?? "other";
  return {
    name: row.name,
    declaredType: row.declared,
    baseType: row.plain,
    kind,
    generated: row.generated,
    nullable: !row.required,
    keyFold: foldOf(row),
    ...limitsOf(row),
    // `name` cuts a text after 63 bytes.
    inexact: (kind === "other" && !EXACT_OTHERS.has(row.base)) || row.base === "name",
  };
}

function foldOf({ base, loose }: ColumnRow): KeyFold {
  if (base === "bpchar") return "padding";
  return base === "citext" || loose ? "case" : "exact";
}

type Limits = Pick<Column, "maxChars" | "bits" | "numbers" | "decimals" | "zoned">;

function limitsOf({ base, modifier }: ColumnRow): Limits {
  const given = modifier >= 0;
  switch (base) {
    case "varchar":
    case "bpchar":
      return given ? { maxChars: modifier - HEADER } : {};
    case "int2":
      return { bits: 16 };
    case "int4":
      return { bits: 32 };
    case "numeric":
      // The scale is a signed number of 11 bits.
      return given ? { decimals: (((modifier - HEADER) & 0x7ff) ^ 1_024) - 1_024 } : {};
    case "money":
      return { decimals: MONEY_DECIMALS };
    case "float4":
      return { numbers: "float32" };
    case "float8":
      return { numbers: "float64" };
    case "timestamp":
    case "timestamptz":
      return {
        decimals: given ? modifier : FULL_SECOND_DIGITS,
        zoned: base === "timestamptz",
      };
    default:
      return {};
  }
}

async function uniqueKeysOf(database: Database, oid: string): Promise<UniqueKey[]> {
  const { rows } = await sql<KeyRow>`
    select c.relname as name, array_agg(a.attname::text order by k.place) as columns
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    cross join unnest(i.indkey::int2[]) with ordinality k (number, place)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
    where i.indrelid = ${oid}::oid and i.indisunique and i.indisvalid and i.indpred is null
      and i.indexprs is null and k.place <= i.indnkeyatts
    group by c.relname order by c.relname`.execute(database);
  return rows;
}

async function referencesOf(database: Database, oid: string): Promise<Reference[]> {
  const { rows } = await sql<ReferenceRow>`
    select c.conname as name, c.confrelid::regclass::text as parent,
           (select array_agg(a.attname::text order by k.place)
            from unnest(c.conkey) with ordinality k (number, place)
            join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number) as columns,
           (select array_agg(a.attname::text order by k.place)
            from unnest(c.confkey) with ordinality k (number, place)
            join pg_catalog.pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.number) as parent_columns
    from pg_catalog.pg_constraint c where c.conrelid = ${oid}::oid and c.contype = 'f'
    order by c.conname`.execute(database);
  return rows.map(({ name, columns, parent, parent_columns }) => ({
    constraint: name,
    columns,
    parent,
    parentColumns: parent_columns,
  }));
}
