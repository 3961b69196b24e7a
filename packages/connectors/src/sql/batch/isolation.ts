/**
 * Finds the items at fault: writes parts under savepoints, down to the single item, so that only its writes are rolled
 * back. An item that depends on another one (a reference, a unique value) is tried once more after the rest, and then
 * in two steps (`two-steps.ts`).
 */
import { sql } from "kysely";
import type { ApplyResult, StopSignal } from "../../connector";
import type { Database } from "../engine/engine";
import type { SqlFailure } from "../engine/sql-failure";
import type { Explained } from "./explain-failure";
import { failed, type Results } from "./results";
import { landCircles, type Steps, writeFirstSteps } from "./two-steps";
import type { PlannedItem } from "../rows/planned-item";
import { StatementError } from "../rows/row-writer";
import { byClaim } from "../rows/write-order";

/**
 * To find one item at fault among a hundred, halves write two hundred items again, quarters a hundred and thirty, in
 * the same number of statements.
 */
const PARTS = 4;

export interface Isolation {
  readonly transaction: Database;
  readonly signal: StopSignal;
  /** Writes items. Rejects at the first failure; the caller rolls back to its savepoint. */
  readonly attempt: (items: readonly PlannedItem[]) => Promise<Results>;
  readonly classify: (error: unknown) => SqlFailure;
  /** Says more about an item that failed on its own. */
  readonly explain: (item: PlannedItem, failure: SqlFailure) => Promise<Explained>;
  readonly steps: Steps;
}

/**
 * Writes every item that does not fail on its own. The caller already knows that the items fail together. The items are
 * sorted by claim, because items of one row may end up in different parts.
 *
 * Rejects with the database's error when the transaction or the target as a whole fails, and when the signal is
 * aborted.
 */
export async function isolate(
  items: readonly PlannedItem[],
  failure: SqlFailure,
  isolation: Isolation,
): Promise<Results> {
  const results: Results = new Map();
  const ordered = items.toSorted(byClaim);
  for (const part of partsOf(ordered, failure)) await isolatePart(part, isolation, results);
  const waiting = waitingOf(ordered, results);
  if (waiting.length > 0 && waiting.length < items.length) {
    await isolatePart(waiting, isolation, results);
  }
  const begun = await writeFirstSteps(waitingOf(ordered, results), results, isolation);
  if (begun) await isolatePart(waitingOf(ordered, results), isolation, results);
  await landCircles(waitingOf(ordered, results), results, isolation);
  return results;
}

async function isolatePart(
  items: readonly PlannedItem[],
  isolation: Isolation,
  results: Results,
): Promise<void> {
  if (items.length === 0) return;
  const { transaction, signal, attempt, classify } = isolation;
  await sql`savepoint postern_part`.execute(transaction);
  let failure: SqlFailure;
  let members: readonly PlannedItem[];
  try {
    for (const [item, result] of await attempt(items)) results.set(item, result);
    await sql`release savepoint postern_part`.execute(transaction);
    return;
  } catch (error) {
    if (signal.aborted) throw error;
    failure = classify(error);
    if (failure.scope === "batch") throw error;
    members = error instanceof StatementError ? error.members : items;
    try {
      await sql`rollback to savepoint postern_part`.execute(transaction);
    } catch {
      // The failure has ended the transaction (a SQLite trigger may do that), so it is the error to report.
      throw error;
    }
  }
  await sql`release savepoint postern_part`.execute(transaction);
  if (items.length === 1) {
    for (const item of items) {
      const { failure: explained, blockedBy } = await isolation.explain(item, failure);
      results.set(item, failed(explained));
      if (blockedBy !== undefined) isolation.steps.swaps.wait(item, blockedBy);
    }
    return;
  }
  if (failure.scope === "statement") {
    const hopeless = new Set(members);
    for (const item of hopeless) results.set(item, failed(failure.failure));
    await isolatePart(
      items.filter((item) => !hopeless.has(item)),
      isolation,
      results,
    );
    return;
  }
  for (const part of partsOf(items, failure)) await isolatePart(part, isolation, results);
}

/** Splits items if one row is at fault. If a whole statement fails, one more attempt shows which one. */
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

/** Items whose dependency may exist by now, except those whose row a later claimant has taken. */
function waitingOf(ordered: readonly PlannedItem[], results: Results): readonly PlannedItem[] {
  const taken = new Set<string>();
  const waiting: PlannedItem[] = [];
  for (const item of ordered.toReversed()) {
    const result = results.get(item);
    if (result?.outcome === "applied" || result?.outcome === "unchanged") taken.add(item.rowKey);
    else if (isDependency(result) && !taken.has(item.rowKey)) waiting.unshift(item);
  }
  return waiting;
}

function isDependency(result: ApplyResult | undefined): boolean {
  return result?.outcome === "failed" && result.failure.class === "dependency";
}
