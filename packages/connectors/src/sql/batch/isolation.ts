/**
 * Finds the items at fault: parts under savepoints, down to the single item, whose writes are taken back alone. An item
 * that fails for want of another (a reference, a freed unique value) is tried once more after the rest.
 */
import { sql } from "kysely";
import type { ApplyResult, StopSignal, TargetFailure } from "../../connector";
import type { Database } from "../engine/engine";
import type { PlannedItem } from "../rows/planned-item";
import { byClaim, StatementError } from "../rows/row-writer";
import type { SqlFailure } from "../engine/sql-failure";

/**
 * Of a hundred items with one at fault, halves write two hundred once more until it is found, quarters a hundred and thirty,
 * in as many statements.
 */
const PARTS = 4;

export type Results = Map<PlannedItem, ApplyResult>;

export interface Isolation {
  readonly transaction: Database;
  readonly signal: StopSignal;
  /** Writes items, all or none: throws at the first failure, leaving the rest to the savepoint. */
  readonly attempt: (items: readonly PlannedItem[]) => Promise<Results>;
  readonly classify: (error: unknown) => SqlFailure;
}

export const failed = (failure: TargetFailure): ApplyResult => ({ outcome: "failed", failure });

/**
 * Writes all items of which none fails for itself; that the whole of them fails together is known already. In the order of
 * their claims: those of one row may come into different parts.
 *
 * @throws what the transaction or the target as a whole fails with
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
      // The failure has ended the transaction (a trigger of SQLite may do that): it is what there is to tell.
      throw error;
    }
  }
  await sql`release savepoint postern_part`.execute(transaction);
  if (items.length === 1) {
    for (const item of items) results.set(item, failed(failure.failure));
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

/** Those that may have what they wait for now, but for those whose row another has claimed after them: it is that one's. */
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
