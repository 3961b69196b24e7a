/**
 * Items that wait for a unique value which another row has. Two entities that swap a value wait for each other, and
 * never land alone; in whatever batches they arrive, the last one lands them all, in one transaction.
 *
 * An item that waits here is tried again by its own lane as well. The inbox lets it be written once.
 */
import type { PlannedItem } from "../rows/planned-item";

/** A lane tries a waiting item again for a day; items of one swap arrive close together. */
const KEPT_MS = 60 * 60_000;
const MOST_KEPT = 1_000;
/** Rows of the longest circle that is looked for. */
const LONGEST_CIRCLE = 50;

interface Waiting {
  readonly item: PlannedItem;
  /** Row that has the value. */
  readonly blockedBy: string;
  readonly sinceMs: number;
}

export class WaitingSwaps {
  readonly #byRow = new Map<string, Waiting>();

  wait(item: PlannedItem, blockedBy: string): void {
    this.#byRow.delete(item.rowKey);
    this.#byRow.set(item.rowKey, { item, blockedBy, sinceMs: performance.now() });
    const oldest = this.#byRow.keys().next();
    if (this.#byRow.size > MOST_KEPT && !oldest.done) this.#byRow.delete(oldest.value);
  }

  over(item: PlannedItem): void {
    this.#byRow.delete(item.rowKey);
  }

  /** The items that wait for each other in a circle, from the given one on; empty when there is none. */
  circleOf(item: PlannedItem): PlannedItem[] {
    const circle: PlannedItem[] = [];
    let row = item.rowKey;
    while (circle.length < LONGEST_CIRCLE) {
      const waiting = this.#byRow.get(row);
      if (waiting === undefined || performance.now() - waiting.sinceMs > KEPT_MS) return [];
      circle.push(waiting.item);
      row = waiting.blockedBy;
      if (row === item.rowKey) return circle;
    }
    return [];
  }
}
