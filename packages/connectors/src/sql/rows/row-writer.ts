import { type CompiledQuery, sql } from "kysely";
import type { ApplyResult, StopSignal } from "../../connector";
import { type StatementSink, statementSpan } from "../../tracing/statement-span";
import { chunks } from "../engine/chunks";
import type { Database, SqlEngine } from "../engine/engine";
import type { StatementCache } from "../engine/statement-cache";
import { type PlannedItem, rowKeyOf } from "./planned-item";

/** Rows of one delete: databases plan a delete by a composite key badly beyond that. */
const DELETE_ROWS = 500;

/** A failed statement, with its items. The cause is the database's error. */
export class StatementError extends Error {
  readonly table: string;
  readonly members: readonly PlannedItem[];

  constructor(table: string, members: readonly PlannedItem[], cause: unknown) {
    super(`a statement on ${table} failed`, { cause });
    this.name = "StatementError";
    this.table = table;
    this.members = members;
  }
}

export interface RowWriterOptions {
  readonly engine: SqlEngine;
  readonly statements: StatementCache;
  readonly target: string;
  readonly onStatement: StatementSink;
}

type WriteOutcome = Extract<ApplyResult["outcome"], "applied" | "unchanged">;

/**
 * Writes items to their tables in as few statements as their shapes allow. A row that already has the values is not
 * written, so that its triggers do not fire.
 */
export class RowWriter {
  readonly #options: RowWriterOptions;

  constructor(options: RowWriterOptions) {
    this.#options = options;
  }

  /** @throws StatementError */
  async write(
    transaction: Database,
    items: readonly PlannedItem[],
    signal: StopSignal,
  ): Promise<Map<PlannedItem, WriteOutcome>> {
    const outcomes = new Map<PlannedItem, WriteOutcome>();
    for (const round of roundsOf(items)) {
      for (const group of groupsOf(round)) {
        const first = group[0];
        if (!first) continue;
        const touched = await this.#writeGroup(transaction, first, group, signal);
        for (const item of group) outcomes.set(item, touched(item) ? "applied" : "unchanged");
      }
    }
    return outcomes;
  }

  async #writeGroup(
    transaction: Database,
    first: PlannedItem,
    group: readonly PlannedItem[],
    signal: StopSignal,
  ): Promise<(item: PlannedItem) => boolean> {
    const { engine, onStatement, target } = this.#options;
    const verb = first.entry.item.desired === "present" ? "upsert" : "delete";
    const table = first.table.name;
    const facts = { verb, table, system: engine.system, target, items: group.length };
    return statementSpan(facts, onStatement, async (noteStatement) => {
      const touched = new Set<string>();
      let touchedRows = 0;
      const perRow = first.parameters.length;
      const most = Math.floor(engine.maxParameters / perRow);
      for (const part of chunks(group, verb === "delete" ? Math.min(most, DELETE_ROWS) : most)) {
        signal.throwIfAborted();
        const compiled = this.#options.statements.get(`${part.length} ${first.shape}`, () =>
          verb === "upsert"
            ? this.#compileUpsert(first, part.length)
            : this.#compileDelete(first, part.length),
        );
        noteStatement(compiled.sql);
        const parameters = part.flatMap((item) => item.parameters);
        try {
          const { rows } = await transaction.executeQuery<Record<string, unknown>>({
            ...compiled,
            parameters,
          });
          touchedRows += rows.length;
          for (const row of rows) {
            const key = first.keyColumns.map((_, index) => String(row[`key${index}`]));
            touched.add(rowKeyOf(first.table.reference, key));
          }
        } catch (error) {
          throw new StatementError(table, part, error);
        }
      }
      if (touchedRows === 0) return () => false;
      const matched = group.filter((item) => touched.has(item.rowKey)).length;
      // A database may return a key in another spelling than it was given (1.50, upper-case UUIDs). If rows cannot be
      // matched to items, all items count as applied.
      if (touchedRows === group.length || matched !== touchedRows) return () => true;
      return (item) => touched.has(item.rowKey);
    });
  }

  #returningKeys(item: PlannedItem): { column: string; alias: string }[] {
    return item.keyColumns.map((column, index) => ({ column, alias: `key${index}` }));
  }

  #compileUpsert(item: PlannedItem, rows: number): CompiledQuery {
    const { database } = this.#options.engine;
    const { table, keyColumns, valueColumns } = item;
    const row = Object.fromEntries([...keyColumns, ...valueColumns].map((name) => [name, ""]));
    const cell = (owner: string, name: string) =>
      table.findColumn(name)?.comparedAsText === true
        ? sql`cast(${sql.id(owner, name)} as text)`
        : sql`${sql.id(owner, name)}`;
    const differs = valueColumns.map(
      (name) => sql`${cell(table.name, name)} is distinct from ${cell("excluded", name)}`,
    );
    return database
      .insertInto(table.reference)
      .values(Array.from({ length: rows }, () => row))
      .onConflict((conflict) => {
        const onKey = conflict.columns([...keyColumns]);
        if (valueColumns.length === 0) return onKey.doNothing();
        const updates = valueColumns.map((name) => [name, sql`${sql.id("excluded", name)}`]);
        return onKey
          .doUpdateSet(Object.fromEntries(updates) as Record<string, unknown>)
          .where(sql<boolean>`${sql.join(differs, sql` or `)}`);
      })
      .returning(
        this.#returningKeys(item).map(({ column, alias }) =>
          sql<string>`cast(${sql.id(table.name, column)} as text)`.as(alias),
        ),
      )
      .compile();
  }

  #compileDelete(item: PlannedItem, rows: number): CompiledQuery {
    const { database, rowsIn } = this.#options.engine;
    const { table, keyColumns } = item;
    const [single, ...others] = keyColumns;
    const placeholders = Array.from({ length: rows }, () => keyColumns.map(() => ""));
    const matches =
      single !== undefined && others.length === 0
        ? sql<boolean>`${sql.id(single)} in (${sql.join(placeholders.flat().map((value) => sql.val(value)))})`
        : rowsIn(keyColumns, placeholders);
    return database
      .deleteFrom(table.reference)
      .where(matches)
      .returning(
        this.#returningKeys(item).map(({ column, alias }) =>
          sql<string>`cast(${sql.id(table.name, column)} as text)`.as(alias),
        ),
      )
      .compile();
  }
}

/** The order in which entities claim a row: deletes first, then by version. The last one to write gets the row. */
export function byClaim(a: PlannedItem, b: PlannedItem): number {
  const rank = (item: PlannedItem): number => (item.entry.item.desired === "absent" ? 0 : 1);
  return rank(a) - rank(b) || a.entry.item.version - b.entry.item.version;
}

/**
 * Splits items into rounds, so that entities that claim the same row are written one after the other: deletes first,
 * then by version. The newest claimant gets the row.
 */
function roundsOf(items: readonly PlannedItem[]): PlannedItem[][] {
  const rounds: PlannedItem[][] = [];
  const seen = new Map<string, number>();
  for (const item of items.toSorted(byClaim)) {
    const round = seen.get(item.rowKey) ?? 0;
    seen.set(item.rowKey, round + 1);
    (rounds[round] ??= []).push(item);
  }
  return rounds;
}

/**
 * Groups items by shape. Deletes come first, because they may free a value that must be unique. Rows are sorted by key,
 * so that two transactions lock them in the same order.
 */
function groupsOf(round: readonly PlannedItem[]): PlannedItem[][] {
  const groups = new Map<string, PlannedItem[]>();
  for (const item of round) {
    const group = groups.get(item.shape);
    if (group) group.push(item);
    else groups.set(item.shape, [item]);
  }
  const isDelete = (group: readonly PlannedItem[]): boolean =>
    group[0]?.entry.item.desired === "absent";
  const all = [...groups.values()].map((group) =>
    group.toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1)),
  );
  return [...all.filter(isDelete), ...all.filter((group) => !isDelete(group))];
}
