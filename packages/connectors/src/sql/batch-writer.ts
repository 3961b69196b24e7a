/**
 * Applies a batch in one transaction: inbox first, then the tables.
 *
 * The common case is one try with no savepoint. When a statement fails because of some row, the transaction is rolled
 * back and the batch runs again in careful mode: parts under savepoints, down to the item at fault, whose inbox row is
 * taken back with it. That the whole fails is known by then, so it begins with the parts. An item that fails for want of
 * another (a reference, a freed unique value) is tried once more after the rest.
 */
import { agentPoint } from "@postern/contracts";
import { sql } from "kysely";
import type { ApplyResult, StopSignal, TargetFailure } from "../connector";
import type { Database, SqlEngine } from "./engine";
import type { Inbox } from "./inbox";
import type { PlannedItem } from "./planned-item";
import { type RowWriter, StatementError } from "./row-writer";
import type { SqlFailure } from "./sql-failure";
import { type StatementSink, statementSpan } from "./statement-span";

export interface BatchWriterOptions {
  readonly engine: SqlEngine;
  readonly inbox: Inbox;
  readonly rows: RowWriter;
  readonly target: string;
  readonly inboxTable: string;
  readonly onStatement: StatementSink;
}

/**
 * Of a hundred items with one at fault, halves write two hundred once more until it is found, quarters a hundred and thirty,
 * in as many statements.
 */
const PARTS = 4;

type Results = Map<PlannedItem, ApplyResult>;

export interface Written {
  readonly results: ReadonlyMap<PlannedItem, ApplyResult>;
  /** Some failure says that cached knowledge of the target is out of date. */
  readonly catalogueStale: boolean;
}

/** What one batch found out on its way. */
interface Findings {
  catalogueStale: boolean;
}

const failed = (failure: TargetFailure): ApplyResult => ({ outcome: "failed", failure });

export class BatchWriter {
  readonly #options: BatchWriterOptions;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** @throws the signal's reason, when it was aborted before the commit: nothing is written then */
  async write(items: readonly PlannedItem[], signal: StopSignal): Promise<Written> {
    const findings: Findings = { catalogueStale: false };
    const results = await this.#write(items.toSorted(byEntity), signal, findings);
    return { results, catalogueStale: findings.catalogueStale };
  }

  async #write(
    items: readonly PlannedItem[],
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    const swift = await this.#transaction(signal, findings, (transaction) =>
      this.#attempt(transaction, items, signal),
    );
    if (swift.ok) return swift.results;
    if (swift.failure.scope === "batch") return this.#allFailed(items, swift.failure);
    const careful = await this.#transaction(signal, findings, (transaction) =>
      this.#careful(transaction, partsOf(items, swift.failure), signal, findings),
    );
    if (careful.ok) return careful.results;
    if (careful.failure.scope === "batch") return this.#allFailed(items, careful.failure);
    return this.#oneByOne(items, signal, findings);
  }

  /** Constraints that are checked at the commit only show which item they mean when it is alone. */
  async #oneByOne(
    items: readonly PlannedItem[],
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    const results: Results = new Map();
    for (const [index, item] of items.entries()) {
      const alone = await this.#transaction(signal, findings, (transaction) =>
        this.#attempt(transaction, [item], signal),
      );
      if (alone.ok) for (const [written, result] of alone.results) results.set(written, result);
      else if (alone.failure.scope === "batch") {
        // What keeps the whole from being written would make each of the rest wait for it again.
        for (const left of items.slice(index)) results.set(left, failed(alone.failure.failure));
        break;
      } else results.set(item, failed(alone.failure.failure));
    }
    return results;
  }

  async #transaction(
    signal: StopSignal,
    findings: Findings,
    work: (transaction: Database) => Promise<Results>,
  ): Promise<{ ok: true; results: Results } | { ok: false; failure: SqlFailure }> {
    try {
      signal.throwIfAborted();
      const results = await this.#options.engine.database
        .transaction()
        .execute(async (transaction) => {
          const written = await work(transaction);
          signal.throwIfAborted();
          agentPoint("before-commit");
          return written;
        });
      agentPoint("after-commit");
      return { ok: true, results };
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      return { ok: false, failure: this.#classify(error, findings) };
    }
  }

  /** Inbox, then tables. Throws at the first failure, leaving the rest to whoever rolls back. */
  async #attempt(
    transaction: Database,
    items: readonly PlannedItem[],
    signal: StopSignal,
  ): Promise<Results> {
    signal.throwIfAborted();
    const { engine, inbox, inboxTable, onStatement, target } = this.#options;
    const entries = items.map((item) => item.entry);
    const facts = { verb: "inbox", table: inboxTable, system: engine.system, target };
    agentPoint("before-inbox");
    const advanced = await statementSpan(
      { ...facts, items: items.length },
      onStatement,
      (noteStatement) => inbox.advance(transaction, entries, noteStatement),
    );
    agentPoint("after-inbox");
    const results: Results = new Map();
    const behind = items.filter((item) => !advanced.has(item.entry));
    if (behind.length > 0) {
      const versions = await inbox.versions(
        transaction,
        behind.map((item) => item.entry),
      );
      for (const item of behind) {
        const same = versions.get(item.entry) === item.entry.item.version;
        results.set(item, { outcome: same ? "replayed" : "superseded" });
      }
    }
    const ahead = items.filter((item) => advanced.has(item.entry));
    agentPoint("before-write");
    signal.throwIfAborted();
    for (const [item, outcome] of await this.#options.rows.write(transaction, ahead, signal)) {
      results.set(item, { outcome });
    }
    agentPoint("after-write");
    return results;
  }

  async #careful(
    transaction: Database,
    parts: readonly (readonly PlannedItem[])[],
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    const items = parts.flat();
    const results: Results = new Map();
    for (const part of parts) {
      for (const [item, result] of await this.#isolate(transaction, part, signal, findings)) {
        results.set(item, result);
      }
    }
    const waiting = items.filter((item) => isDependency(results.get(item)));
    if (waiting.length > 0 && waiting.length < items.length) {
      for (const [item, result] of await this.#isolate(transaction, waiting, signal, findings)) {
        results.set(item, result);
      }
    }
    return results;
  }

  async #isolate(
    transaction: Database,
    items: readonly PlannedItem[],
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    if (items.length === 0) return new Map();
    await sql`savepoint postern_part`.execute(transaction);
    let failure: SqlFailure;
    let members: readonly PlannedItem[];
    try {
      const results = await this.#attempt(transaction, items, signal);
      await sql`release savepoint postern_part`.execute(transaction);
      return results;
    } catch (error) {
      if (signal.aborted) throw error;
      failure = this.#classify(error, findings);
      if (failure.scope === "batch") throw error;
      members = error instanceof StatementError ? error.members : items;
    }
    await sql`rollback to savepoint postern_part`.execute(transaction);
    await sql`release savepoint postern_part`.execute(transaction);
    if (items.length === 1) {
      return new Map(items.map((item) => [item, failed(failure.failure)]));
    }
    if (failure.scope === "statement") {
      const hopeless = new Set(members);
      const rest = items.filter((item) => !hopeless.has(item));
      const results = await this.#isolate(transaction, rest, signal, findings);
      for (const item of hopeless) results.set(item, failed(failure.failure));
      return results;
    }
    const results: Results = new Map();
    for (const part of partsOf(items, failure)) {
      for (const [item, result] of await this.#isolate(transaction, part, signal, findings)) {
        results.set(item, result);
      }
    }
    return results;
  }

  #classify(error: unknown, findings: Findings): SqlFailure {
    const statement = error instanceof StatementError;
    const table = statement ? error.table : this.#options.inboxTable;
    const classified = this.#options.engine.classify(statement ? error.cause : error, table);
    if (classified.catalogueStale) findings.catalogueStale = true;
    if (statement || classified.scope !== "statement") return classified;
    // What is wrong with the inbox table itself is wrong for every item: a matter of set-up, not of values.
    return {
      scope: "batch",
      catalogueStale: classified.catalogueStale,
      failure: { ...classified.failure, class: "target-down", code: "target-unreachable" },
    };
  }

  #allFailed(items: readonly PlannedItem[], { failure }: SqlFailure): Results {
    return new Map(items.map((item) => [item, failed(failure)]));
  }
}

/** Parts when some row of the whole is at fault; a whole statement is found out by trying once more. */
function partsOf(
  items: readonly PlannedItem[],
  { scope }: SqlFailure,
): readonly (readonly PlannedItem[])[] {
  if (scope !== "item" || items.length === 1) return [items];
  const size = Math.ceil(items.length / PARTS);
  const parts: (readonly PlannedItem[])[] = [];
  for (let from = 0; from < items.length; from += size) parts.push(items.slice(from, from + size));
  return parts;
}

function isDependency(result: ApplyResult | undefined): boolean {
  return result?.outcome === "failed" && result.failure.class === "dependency";
}

/** All transactions take inbox rows in this order, so that they wait for each other instead of deadlocking. */
function byEntity(a: PlannedItem, b: PlannedItem): number {
  const left = `${a.entry.definition} ${a.entry.item.entity.type}:${a.entry.item.entity.id}`;
  const right = `${b.entry.definition} ${b.entry.item.entity.type}:${b.entry.item.entity.id}`;
  return left < right ? -1 : left > right ? 1 : 0;
}
