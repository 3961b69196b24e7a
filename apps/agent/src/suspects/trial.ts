/**
 * Decides whether an item has ended the process. After a crash the process cannot say what it was doing, so an item
 * that runs alone is written down before it is applied, with nothing else applied in parallel. An item that was written
 * down by a process that no longer runs has ended it.
 */
import type { ItemId, ItemTrial } from "@postern/contracts";

/**
 * After this many processes in a row that crashed, the agent applies one unit at a time and writes it down; a unit that
 * ends the process is taken apart. The broker's delivery count does not show a crash: a dropped connection need not
 * raise it.
 */
export const CAREFUL_AFTER_CRASHES = 3;

/**
 * A process that has worked for this long has seen the front of every lane, where work that was in hand at a crash
 * comes again.
 */
export const CAREFUL_FOR_MS = 30_000;

/**
 * How often an item must have ended the process on its own before it is given up. With three crashes before the agent
 * is careful and one with the whole unit that makes ten attempts, as many as a poison message may have (F5). A process
 * that is killed from outside may hit the same item again by chance: of ten items that a kill could hit in a short life
 * of the process it hits one, so six in a row on one item are one in a million.
 */
export const POISON_AFTER_TRIALS = 6;

export type TrialDecision =
  | { readonly kind: "poison"; readonly times: number }
  /** Apply the item once these trials are written. */
  | { readonly kind: "try"; readonly trials: readonly ItemTrial[] };

export function decideTrial(
  trials: readonly ItemTrial[],
  itemId: ItemId,
  process: string,
): TrialDecision {
  const last = trials.find((trial) => trial.itemId === itemId);
  const ended = last === undefined ? 0 : last.process === process ? last.times - 1 : last.times;
  if (ended >= POISON_AFTER_TRIALS) return { kind: "poison", times: ended };
  return {
    kind: "try",
    trials: [...withoutTrial(trials, itemId), { itemId, times: ended + 1, process }],
  };
}

/** The trials without an item that got a verdict while the process survived. */
export function withoutTrial(trials: readonly ItemTrial[], itemId: ItemId): readonly ItemTrial[] {
  return trials.filter((trial) => trial.itemId !== itemId);
}

export function poisonReason(times: number): string {
  return (
    `the agent's process ended each of the ${times} times that this item was applied on its own, while nothing else ran. ` +
    "It is not applied again; the last time may have written it. Look at its values for what the target's driver, triggers or " +
    "native code cannot take, and at the end of the agent's log and the system's crash report at those times. Correct the value " +
    "at its source, which sends a newer version, or repair the target and replay this dead letter; discard it if neither applies."
  );
}
