/**
 * Applies a batch in one transaction: inbox first, then the tables.
 *
 * Usually the first attempt succeeds. When a statement fails because of one of its rows, there are two ways to
 * continue:
 *
 * - If a failed statement leaves its transaction intact (SQLite), the rows are written in parts. The inbox rows remain;
 *   only those of the items at fault are restored.
 * - Otherwise, or if that fails, the transaction is rolled back and the batch runs again in parts, including the inbox.
 *
 * If the commit itself fails, the items are written one by one.
 */
import { agentPoint, clip, entityKey, limits } from "@postern/contracts";
import { sql } from "kysely";
import type { ApplyResult, StopSignal } from "../../connector";
import { type StatementSink, statementSpan } from "../../tracing/statement-span";
import type { Database, SqlEngine } from "../engine/engine";
import { rowHeld, type SqlFailure } from "../engine/sql-failure";
import type { Inbox, RowHolder } from "../inbox/inbox";
import { type Fence, fencesOf } from "../inbox/row-fence";
import type { PlannedItem } from "../rows/planned-item";
import { lockNumberOf } from "../rows/row-key";
import { RowProblem } from "../rows/row-problem";
import { type RowWriter, StatementError } from "../rows/row-writer";
import { byClaim } from "../rows/write-order";
import { explainFailure } from "./explain-failure";
import { isolate, type Isolation } from "./isolation";
import { failed, type Results } from "./results";
import { WaitingSwaps } from "./waiting-swaps";

export interface BatchWriterOptions {
  readonly engine: SqlEngine;
  readonly inbox: Inbox;
  readonly rows: RowWriter;
  readonly target: string;
  readonly inboxTable: string;
  readonly onStatement: StatementSink;
}

export interface Written {
  readonly results: ReadonlyMap<PlannedItem, ApplyResult>;
  /** A failure shows that the cached catalogue is out of date. */
  readonly catalogueStale: boolean;
}

/** What the failures of one batch have shown. */
interface Findings {
  catalogueStale: boolean;
}

/** Set-up problems of an inbox, even if only one row shows them: a trigger on the inbox may have the problem. */
const SET_UP: ReadonlySet<string> = new Set([
  "target-not-permitted",
  "target-object-missing",
  "target-column-missing",
]);

export class BatchWriter {
  readonly #options: BatchWriterOptions;
  readonly #swaps = new WaitingSwaps();

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** Rejects with the signal's reason if it is aborted before the commit; nothing is written then. */
  async write(items: readonly PlannedItem[], signal: StopSignal): Promise<Written> {
    const findings: Findings = { catalogueStale: false };
    const results = await this.#write(items.toSorted(byEntity), signal, findings);
    for (const [item, { outcome }] of results) if (outcome !== "failed") this.#swaps.over(item);
    return { results, catalogueStale: findings.catalogueStale };
  }

  async #write(
    items: readonly PlannedItem[],
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    const together = await this.#transaction(signal, findings, (transaction) =>
      this.#writeTogether(transaction, items, signal, findings),
    );
    if (together.ok) return together.results;
    if (together.failure.scope === "batch") return this.#allFailed(items, together.failure);
    const inParts = await this.#transaction(signal, findings, (transaction) =>
      isolate(items, together.failure, {
        ...this.#isolation(transaction, [], signal, findings),
        attempt: (part) => this.#attempt(transaction, part, signal),
      }),
    );
    if (inParts.ok) return inParts.results;
    if (inParts.failure.scope === "batch") return this.#allFailed(items, inParts.failure);
    return this.#oneByOne(items, signal, findings);
  }

  /** A constraint that is checked at the commit shows which item violates it only if that item is alone. */
  async #oneByOne(
    items: readonly PlannedItem[],
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    const results: Results = new Map();
    const ordered = items.toSorted(byClaim);
    for (const [index, item] of ordered.entries()) {
      const alone = await this.#transaction(signal, findings, (transaction) =>
        this.#attempt(transaction, [item], signal),
      );
      if (alone.ok) for (const [written, result] of alone.results) results.set(written, result);
      else if (alone.failure.scope === "batch") {
        // Each of the remaining items would fail, and wait, for the same reason.
        for (const left of ordered.slice(index)) results.set(left, failed(alone.failure.failure));
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

  /** Writes the inbox, then the tables. If the engine allows it, the transaction survives items at fault. */
  async #writeTogether(
    transaction: Database,
    items: readonly PlannedItem[],
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    const { readCommitted } = this.#options.engine;
    if (readCommitted === undefined) return this.#attempt(transaction, items, signal);
    const { results, ahead } = await this.#advance(transaction, items, signal);
    await sql`savepoint postern_rows`.execute(transaction);
    let written: Results;
    try {
      written = await this.#writeRows(transaction, ahead, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof StatementError)) throw error;
      const failure = this.#classify(error, findings);
      if (failure.scope === "batch") throw error;
      try {
        written = await this.#repair(transaction, ahead, failure, signal, findings);
      } catch (repairError) {
        if (signal.aborted) throw repairError;
        // Some triggers end the transaction. The batch starts again, in parts.
        throw error;
      }
    }
    for (const [item, result] of written) results.set(item, result);
    return results;
  }

  /**
   * Writes the rows that can be written, and resets the inbox rows of the other items to their committed state. The
   * inbox has already been written and is kept, because writing it is most of the work.
   */
  async #repair(
    transaction: Database,
    ahead: readonly PlannedItem[],
    failure: SqlFailure,
    signal: StopSignal,
    findings: Findings,
  ): Promise<Results> {
    await sql`rollback to savepoint postern_rows`.execute(transaction);
    const results = await isolate(ahead, failure, {
      ...this.#isolation(transaction, ahead, signal, findings),
      attempt: (part) => this.#writeRows(transaction, part, signal),
    });
    const refused = ahead.filter((item) => results.get(item)?.outcome === "failed");
    const entries = refused.map(({ entry }) => entry);
    await this.#options.inbox.restore(transaction, entries);
    return results;
  }

  /** @param advanced items whose inbox rows have been advanced in this transaction */
  #isolation(
    transaction: Database,
    advanced: readonly PlannedItem[],
    signal: StopSignal,
    findings: Findings,
  ): Omit<Isolation, "attempt"> {
    const { inbox, rows } = this.#options;
    return {
      transaction,
      signal,
      classify: (error) => this.#classify(error, findings),
      explain: (item, failure) => explainFailure(transaction, inbox, item, failure),
      steps: {
        swaps: this.#swaps,
        advance: async (items) => {
          const behind = items.filter((item) => !advanced.includes(item));
          return (await this.#advance(transaction, behind, signal)).ahead.length === behind.length;
        },
        writeRows: (items) => this.#writeRows(transaction, items, signal),
        exist: (items) => rows.existing(transaction, items),
      },
    };
  }

  /** Writes the inbox, then the tables. Rejects at the first failure; the caller rolls back. */
  async #attempt(
    transaction: Database,
    items: readonly PlannedItem[],
    signal: StopSignal,
  ): Promise<Results> {
    const { results, ahead } = await this.#advance(transaction, items, signal);
    for (const [item, result] of await this.#writeRows(transaction, ahead, signal)) {
      results.set(item, result);
    }
    return results;
  }

  /** Returns the results of items that are over, and the items whose rows must be written. */
  async #advance(
    transaction: Database,
    items: readonly PlannedItem[],
    signal: StopSignal,
  ): Promise<{ readonly results: Results; readonly ahead: readonly PlannedItem[] }> {
    signal.throwIfAborted();
    const { engine, inbox, inboxTable, onStatement, target } = this.#options;
    const facts = { verb: "inbox", table: inboxTable, system: engine.system, target };
    const fences = await this.#fences(transaction, items);
    const open = items.filter((item) => fences.get(item)?.kind !== "held");
    agentPoint("before-inbox");
    const advanced = await statementSpan(
      { ...facts, items: open.length },
      onStatement,
      (noteStatement) => inbox.advance(transaction, open, noteStatement),
    );
    agentPoint("after-inbox");
    const results: Results = new Map();
    const behind = items.filter((item) => !advanced.has(item));
    if (behind.length > 0) {
      const versions = await inbox.versions(
        transaction,
        behind.map((item) => item.entry),
      );
      for (const item of behind) {
        const known = versions.get(item.entry) ?? 0;
        results.set(item, resultBehind(item, known, fences.get(item)));
      }
    }
    for (const item of advanced) {
      if (fences.get(item)?.kind === "passed-on") results.set(item, { outcome: "unchanged" });
    }
    return { results, ahead: open.filter((item) => !results.has(item)) };
  }

  /** From now until the transaction ends, no other one of this inbox writes the rows of these items. */
  async #fences(
    transaction: Database,
    items: readonly PlannedItem[],
  ): Promise<ReadonlyMap<PlannedItem, Fence>> {
    const { engine, inbox } = this.#options;
    const keys = new Set(items.map(({ rowKey }) => rowKey));
    if (engine.lockKeys !== undefined) {
      // All transactions lock in this order, so that they wait for each other instead of deadlocking.
      await engine.lockKeys(transaction, [...keys].toSorted().map(lockNumberOf));
    }
    return fencesOf(items, await inbox.holders(transaction, [...keys]));
  }

  async #writeRows(
    transaction: Database,
    ahead: readonly PlannedItem[],
    signal: StopSignal,
  ): Promise<Results> {
    agentPoint("before-write");
    signal.throwIfAborted();
    const results: Results = new Map();
    for (const [item, outcome] of await this.#options.rows.write(transaction, ahead, signal)) {
      results.set(item, { outcome });
    }
    agentPoint("after-write");
    return results;
  }

  #classify(error: unknown, findings: Findings): SqlFailure {
    const statement = error instanceof StatementError;
    if (statement && error.cause instanceof RowProblem) return error.cause.failure;
    const table = statement ? error.table : this.#options.inboxTable;
    const classified = this.#options.engine.classify(statement ? error.cause : error, table);
    if (classified.catalogueStale) findings.catalogueStale = true;
    const isSetUp = classified.scope === "statement" || SET_UP.has(classified.failure.code);
    if (statement || !isSetUp) return classified;
    // A problem of the inbox table itself affects every item: its cause is the set-up, not the values.
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

/** @param known version of the entity in the inbox */
function resultBehind(item: PlannedItem, known: number, fence: Fence | undefined): ApplyResult {
  const { version } = item.entry.item;
  if (known === version) return { outcome: "replayed" };
  if (known > version || fence?.kind !== "held") return { outcome: "superseded" };
  return failed(heldBy(item, fence.by).failure);
}

function heldBy(item: PlannedItem, holder: RowHolder): SqlFailure {
  const { definition, item: wanted } = item.entry;
  const entity = clip(entityKey(wanted.entity), limits.quotedChars);
  const other = clip(holder.entity, limits.quotedChars);
  return rowHeld(
    `table '${item.table.name}': '${entity}' has the same key as '${other}', which came to definition '${definition}' ` +
      "later and keeps the row: give each its own key at the source, or remove one",
  );
}

/** All transactions lock inbox rows in this order, so that they wait for each other instead of deadlocking. */
function byEntity(a: PlannedItem, b: PlannedItem): number {
  const left = `${a.entry.definition} ${a.entry.item.entity.type}:${a.entry.item.entity.id}`;
  const right = `${b.entry.definition} ${b.entry.item.entity.type}:${b.entry.item.entity.id}`;
  return left < right ? -1 : left > right ? 1 : 0;
}
