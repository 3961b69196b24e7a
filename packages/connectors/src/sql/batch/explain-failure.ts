/**
 * Says what an item waits for, or why its row is rejected: the column, the constraint, the entity that holds a value,
 * the shape of values. Values themselves are never repeated.
 *
 * Reads the target, in the transaction that goes on after the failure.
 */
import { clip, limits } from "@postern/contracts";
import { sql } from "kysely";
import type { TargetFailure } from "../../connector";
import type { Database, Reference, SqlParameter } from "../engine/engine";
import { type FailureSubject, inWords, type SqlFailure } from "../engine/sql-failure";
import type { Inbox } from "../inbox/inbox";
import { columnsOf, type PlannedItem } from "../rows/planned-item";
import { rowKeyOf } from "../rows/row-key";

export interface Explained {
  readonly failure: TargetFailure;
  /** The row that has the unique value that the item wants. */
  readonly blockedBy?: string;
}

type Naming = Exclude<FailureSubject, { readonly kind: "value" }>;

/** Columns whose shapes a message lists. */
const SHAPES_LISTED = 6;

export async function explainFailure(
  transaction: Database,
  inbox: Inbox,
  item: PlannedItem,
  failure: SqlFailure,
): Promise<Explained> {
  const { subject } = failure;
  switch (subject?.kind) {
    case "reference":
      return { failure: inWords(failure, await explainReference(transaction, item, subject)) };
    case "unique":
      return explainConflict(transaction, inbox, item, failure, subject);
    case "value":
      return { failure: inWords(failure, `${failure.failure.message}. ${shapesOf(item)}`) };
    case undefined:
      return { failure: failure.failure };
  }
}

async function explainReference(
  transaction: Database,
  item: PlannedItem,
  subject: Naming,
): Promise<string> {
  const { name, references } = item.table;
  const constraint = subject.constraint === undefined ? "" : `, constraint '${subject.constraint}'`;
  if (item.entry.item.desired === "absent") {
    const where = subject.table === undefined ? "another row" : `a row of table '${subject.table}'`;
    return (
      `table '${name}'${constraint}: the row cannot be deleted while ${where} refers to it; ` +
      "it is deleted once that row is gone or refers to another"
    );
  }
  const missing =
    references.find((reference) => reference.constraint === (subject.constraint ?? null)) ??
    (await missingReference(transaction, item));
  if (missing === undefined) {
    return `table '${name}'${constraint}: a row that this one refers to is missing`;
  }
  const columns = missing.columns.map((column) => `'${column}'`).join(", ");
  return (
    `table '${name}', column ${columns}${constraint}: refers to a row of table '${missing.parent}' that is not there ` +
    "yet; the item waits for it. If it never comes, correct the reference at its source or the mapping"
  );
}

/** SQLite does not say which reference is broken. */
async function missingReference(
  transaction: Database,
  item: PlannedItem,
): Promise<Reference | undefined> {
  for (const reference of item.table.references) {
    const values = reference.columns.map((name) => valueOf(item, name));
    if (values.some((value) => value === undefined || value === null)) continue;
    const same = reference.parentColumns.map(
      (name, index) => sql`${sql.id(name)} = ${values[index]}`,
    );
    const { rows } = await sql`select 1 from ${sql.id(...reference.parent.split("."))}
      where ${sql.join(same, sql` and `)} limit 1`.execute(transaction);
    if (rows.length === 0) return reference;
  }
  return undefined;
}

async function explainConflict(
  transaction: Database,
  inbox: Inbox,
  item: PlannedItem,
  failure: SqlFailure,
  subject: Naming,
): Promise<Explained> {
  const columns =
    subject.columns ??
    item.table.uniqueKeys?.find(({ name }) => name === subject.constraint)?.columns ??
    [];
  const values = columns.map((name) => valueOf(item, name));
  if (columns.length === 0 || values.some((value) => value === undefined)) {
    return { failure: failure.failure };
  }
  const names = columns.map((name) => `'${name}'`).join(", ");
  const constraint = subject.constraint === undefined ? "" : `, constraint '${subject.constraint}'`;
  const place = `table '${item.table.name}', column ${names}${constraint}`;
  const blockedBy = await rowWith(transaction, item, columns, values);
  if (blockedBy === undefined || blockedBy === item.rowKey) return { failure: failure.failure };
  const holders = await inbox.holders(transaction, [blockedBy]);
  const holder = holders.find(({ removed }) => !removed);
  const who =
    holder === undefined
      ? "a row that Postern did not write"
      : `the row of '${clip(holder.entity, limits.quotedChars)}'`;
  return {
    failure: inWords(
      failure,
      `${place}: ${who} has the value that this row wants, and it must be unique; the item waits until it is free. ` +
        "If both are to keep it, correct one at its source",
    ),
    blockedBy,
  };
}

/** Key of the row that has these values. */
async function rowWith(
  transaction: Database,
  { table, keyColumns }: PlannedItem,
  columns: readonly string[],
  values: readonly (SqlParameter | undefined)[],
): Promise<string | undefined> {
  const same = columns.map((name, index) => sql`${sql.id(name)} = ${values[index]}`);
  const keys = keyColumns.map(
    ({ name }, index) => sql`cast(${sql.id(name)} as text) as ${sql.id(`k${index}`)}`,
  );
  const { rows } = await sql<Record<string, string>>`select ${sql.join(keys)}
    from ${sql.id(...table.path)} where ${sql.join(same, sql` and `)} limit 1`.execute(transaction);
  const [row] = rows;
  if (row === undefined) return undefined;
  return rowKeyOf(
    table,
    keyColumns,
    keyColumns.map((_, index) => row[`k${index}`] ?? null),
  );
}

/** Undefined when the item does not write the column. */
export function valueOf(item: PlannedItem, name: string): SqlParameter | undefined {
  const index = columnsOf(item).findIndex((column) => column.name === name);
  return index < 0 ? undefined : (item.parameters[index] ?? null);
}

function shapesOf(item: PlannedItem): string {
  const columns = columnsOf(item);
  const listed = columns
    .slice(0, SHAPES_LISTED)
    .map(({ name, declaredType }, index) => {
      return `'${name}' (${declaredType}) gets ${shapeOf(item.parameters[index] ?? null)}`;
    })
    .join(", ");
  const more = columns.length - SHAPES_LISTED;
  return `Of its columns, ${listed}${more > 0 ? ` and ${more} more` : ""}`;
}

function shapeOf(value: SqlParameter): string {
  if (value === null) return "no value";
  return typeof value === "string" ? `a text of ${value.length} characters` : `a ${typeof value}`;
}
