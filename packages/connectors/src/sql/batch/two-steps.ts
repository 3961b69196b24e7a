/**
 * Lands what no order lands: rows that refer to each other in a circle, and rows that swap values which must be unique.
 * The first step writes the rows with stand-ins, the second the values.
 */
import { sql } from "kysely";
import type { StopSignal } from "../../connector";
import type { Database } from "../engine/engine";
import type { SqlFailure } from "../engine/sql-failure";
import type { PlannedItem } from "../rows/planned-item";
import { withoutReferences, withoutUniqueValues } from "../rows/stand-in";
import type { Results } from "./results";
import type { WaitingSwaps } from "./waiting-swaps";

/** What the two steps need of the batch. */
export interface Steps {
  readonly swaps: WaitingSwaps;
  /** Advances the inbox for items that have not been advanced; returns whether every one of them may be written. */
  readonly advance: (items: readonly PlannedItem[]) => Promise<boolean>;
  readonly writeRows: (items: readonly PlannedItem[]) => Promise<Results>;
  readonly exist: (items: readonly PlannedItem[]) => Promise<ReadonlySet<PlannedItem>>;
}

interface Context {
  readonly transaction: Database;
  readonly signal: StopSignal;
  readonly classify: (error: unknown) => SqlFailure;
  readonly steps: Steps;
}

/**
 * Inserts rows without their references, where the columns may be null, so that rows of this batch and of others can
 * refer to them. Their items go on waiting: the inbox does not have them.
 *
 * @returns whether a row was inserted
 */
export async function writeFirstSteps(
  waiting: readonly PlannedItem[],
  results: Results,
  context: Context,
): Promise<boolean> {
  let begun = false;
  for (const item of waiting) {
    if (!failedWith(item, results, "target-reference-missing")) continue;
    const first = item.entry.item.desired === "present" ? withoutReferences(item) : undefined;
    if (first === undefined || (await context.steps.exist([item])).size > 0) continue;
    const written = await underSavepoint(context, () => context.steps.writeRows([first]));
    begun ||= written !== undefined;
  }
  return begun;
}

/** Writes items that wait for each other's values together, also those that earlier batches have left waiting. */
export async function landCircles(
  waiting: readonly PlannedItem[],
  results: Results,
  context: Context,
): Promise<void> {
  const { steps } = context;
  for (const item of waiting) {
    if (!failedWith(item, results, "target-conflict")) continue;
    const circle = steps.swaps.circleOf(item);
    const first = circle.flatMap((each) => withoutUniqueValues(each) ?? []);
    if (circle.length === 0 || first.length < circle.length) continue;
    const landed = await underSavepoint(context, async () => {
      if (!(await steps.advance(circle))) return undefined;
      await steps.writeRows(first);
      return steps.writeRows(circle);
    });
    for (const each of circle) {
      const result = landed?.get(each);
      // A version that the inbox already has is not going to be written any more.
      if (result === undefined) continue;
      steps.swaps.over(each);
      if (results.has(each)) results.set(each, result);
    }
  }
}

/** @returns undefined when the work failed because of its rows, or gave up; nothing of it remains then */
async function underSavepoint<Result>(
  { transaction, signal, classify }: Context,
  work: () => Promise<Result | undefined>,
): Promise<Result | undefined> {
  await sql`savepoint postern_step`.execute(transaction);
  let result: Result | undefined;
  try {
    result = await work();
  } catch (error) {
    if (signal.aborted || classify(error).scope === "batch") throw error;
  }
  if (result === undefined) await sql`rollback to savepoint postern_step`.execute(transaction);
  await sql`release savepoint postern_step`.execute(transaction);
  return result;
}

function failedWith(item: PlannedItem, results: Results, code: string): boolean {
  const result = results.get(item);
  return result?.outcome === "failed" && result.failure.code === code;
}
