/**
 * Writes items to their tables in as few statements as their shapes allow. Rows that exist are updated where they
 * differ, and only missing rows are inserted: a row that has the values already is not written at all. So triggers fire
 * for what really happens, and sequences give numbers to new rows only.
 */
import type { CompiledQuery } from "kysely";
import type { ApplyResult, StopSignal } from "../../connector";
import { type StatementSink, statementSpan } from "../../tracing/statement-span";
import { chunks } from "../engine/chunks";
import type { Database, SqlEngine } from "../engine/engine";
import type { StatementCache } from "../engine/statement-cache";
import type { PlannedItem } from "./planned-item";
import { leftOut, notDeleted, type RowProblem, storedOtherwise } from "./row-problem";
import {
  type ComparedRow,
  compileDifferences,
  compileRows,
  type StatementKind,
} from "./row-statements";
import { groupsOf, roundsOf } from "./write-order";

/** Rows of one delete: databases plan a delete by a composite key badly beyond that. */
const DELETE_ROWS = 500;

/** A failed statement, with its items. The cause is the database's error, or a `RowProblem`. */
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

/** Items of one shape that fit into one statement, and what runs it. */
interface Part {
  readonly transaction: Database;
  readonly items: readonly PlannedItem[];
  readonly noteStatement: (text: string) => void;
}

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
        const written = await this.#writeGroup(transaction, first, group, signal);
        for (const item of group) outcomes.set(item, written.has(item) ? "applied" : "unchanged");
      }
    }
    return outcomes;
  }

  /** The items whose rows exist. @throws StatementError */
  async existing(
    transaction: Database,
    items: readonly PlannedItem[],
  ): Promise<ReadonlySet<PlannedItem>> {
    const found = new Set<PlannedItem>();
    for (const item of items) {
      const part: Part = { transaction, items: [item], noteStatement: () => undefined };
      for (const known of (await this.#compare(part)).keys()) found.add(known);
    }
    return found;
  }

  /** @returns the items whose rows were written */
  async #writeGroup(
    transaction: Database,
    first: PlannedItem,
    group: readonly PlannedItem[],
    signal: StopSignal,
  ): Promise<Set<PlannedItem>> {
    const { engine, onStatement, target } = this.#options;
    const isDelete = first.entry.item.desired === "absent";
    const facts = {
      verb: isDelete ? "delete" : "upsert",
      table: first.table.name,
      system: engine.system,
      target,
      items: group.length,
    };
    return statementSpan(facts, onStatement, async (noteStatement) => {
      const written = new Set<PlannedItem>();
      const most = Math.floor(engine.maxParameters / first.parameters.length);
      for (const items of chunks(group, isDelete ? Math.min(most, DELETE_ROWS) : most)) {
        signal.throwIfAborted();
        const part: Part = { transaction, items, noteStatement };
        const touched = isDelete ? await this.#delete(part) : await this.#upsert(part);
        for (const item of touched) written.add(item);
      }
      return written;
    });
  }

  async #upsert(part: Part): Promise<readonly PlannedItem[]> {
    const { items } = part;
    const before = await this.#compare(part);
    const differing = items.filter((item) => before.get(item) === true);
    const missing = items.filter((item) => !before.has(item));
    if (differing.length + missing.length === 0) return [];
    // A new row may be what an updated one refers to; otherwise an update may free a value that must be unique.
    const insertsFirst = items.some(refersToTables);
    if (insertsFirst) await this.#insert({ ...part, items: missing });
    const updated = await this.#run("update", { ...part, items: differing });
    if (!insertsFirst) await this.#insert({ ...part, items: missing });
    const written = [...differing, ...missing];
    if (updated < differing.length || written.some(mayBeChanged)) {
      await this.#expectStored({ ...part, items: written });
    }
    return written;
  }

  async #insert(part: Part): Promise<void> {
    const inserted = await this.#run("insert", part);
    if (inserted === part.items.length) return;
    // Another writer has inserted the rest meanwhile, or something of the target's own left rows out.
    const found = await this.#compare(part);
    const absent = part.items.filter((item) => !found.has(item));
    if (absent.length > 0) throw problemOf(absent, leftOut);
    await this.#run("update", { ...part, items: part.items.filter((item) => found.get(item)) });
    await this.#expectStored(part);
  }

  async #delete(part: Part): Promise<readonly PlannedItem[]> {
    const before = await this.#compare(part);
    const existing = part.items.filter((item) => before.has(item));
    if (existing.length === 0) return [];
    const deleted = await this.#run("delete", { ...part, items: existing });
    if (deleted < existing.length || existing[0]?.table.hasTriggers === true) {
      const after = await this.#compare({ ...part, items: existing });
      const kept = existing.filter((item) => after.has(item));
      if (kept.length > 0) throw problemOf(kept, notDeleted);
    }
    return existing;
  }

  async #expectStored(part: Part): Promise<void> {
    const after = await this.#compare(part);
    const absent = part.items.filter((item) => !after.has(item));
    if (absent.length > 0) throw problemOf(absent, leftOut);
    const changed = part.items.filter((item) => after.get(item) === true);
    const [first] = changed;
    if (first === undefined) return;
    const columns = await this.#differences({ ...part, items: [first] }, first);
    throw problemOf(changed, (table) => storedOtherwise(table, columns));
  }

  /** The items whose rows exist, and whether they differ. */
  async #compare(part: Part): Promise<Map<PlannedItem, boolean>> {
    const { rows } = await this.#execute<ComparedRow>("compare", part);
    const found = new Map<PlannedItem, boolean>();
    for (const { n, differs } of rows) {
      const item = part.items[Number(n)];
      if (item !== undefined) found.set(item, Number(differs) === 1);
    }
    return found;
  }

  async #differences(part: Part, item: PlannedItem): Promise<string[]> {
    const compiled = compileDifferences(this.#options.engine, item);
    const { rows } = await this.#executeCompiled<Record<string, unknown>>(compiled, part);
    return [...item.keyColumns, ...item.valueColumns].flatMap(({ name }, index) =>
      Number(rows[0]?.[`d${index}`]) === 1 ? [name] : [],
    );
  }

  /** @returns number of rows written */
  async #run(kind: StatementKind, part: Part): Promise<number> {
    if (part.items.length === 0) return 0;
    const { numAffectedRows = 0n } = await this.#execute(kind, part);
    return Number(numAffectedRows);
  }

  async #execute<Row>(kind: StatementKind, part: Part) {
    const [first] = part.items;
    if (first === undefined) return { rows: [] as Row[], numAffectedRows: 0n };
    const { engine, statements } = this.#options;
    const count = part.items.length;
    const compiled = statements.get(`${kind} ${count} ${first.shape}`, () =>
      compileRows(engine, kind, first, count),
    );
    if (kind !== "compare") part.noteStatement(compiled.sql);
    return this.#executeCompiled<Row>(compiled, part);
  }

  async #executeCompiled<Row>(compiled: CompiledQuery, { transaction, items }: Part) {
    const parameters = items.flatMap((item) => item.parameters);
    try {
      return await transaction.executeQuery<Row>({
        ...(compiled as CompiledQuery<Row>),
        parameters,
      });
    } catch (error) {
      throw new StatementError(items[0]?.table.name ?? "", items, error);
    }
  }
}

function problemOf(
  items: readonly PlannedItem[],
  make: (table: string) => RowProblem,
): StatementError {
  const table = items[0]?.table.name ?? "";
  return new StatementError(table, items, make(table));
}

function refersToTables({ table, valueColumns }: PlannedItem): boolean {
  return table.references.some(({ columns }) =>
    valueColumns.some(({ name }) => columns.includes(name)),
  );
}

/** Whether the row may hold something else than it was given, after a statement without an error. */
function mayBeChanged({ table, keyColumns, valueColumns }: PlannedItem): boolean {
  return table.hasTriggers || [...keyColumns, ...valueColumns].some(({ inexact }) => inexact);
}
