/**
 * What happened to users and groups, in order. Delta reads from it: a token names a sequence number, and the round
 * lists the objects touched since. Only the fact of a change is kept, never a value: a round shows the current state,
 * so that replays and late reads always converge.
 */
import type { CollectionName } from "./property-catalog";

export type ChangeEvent =
  | { readonly kind: "created" | "restored" | "deleted" | "purged" }
  | { readonly kind: "properties"; readonly names: readonly string[] }
  /** A member was added or removed (`groups`), or the link to a manager was (`users`). */
  | { readonly kind: "related"; readonly relatedId: string };

export type Change = ChangeEvent & {
  readonly seq: number;
  readonly atMs: number;
  readonly collection: CollectionName;
  readonly id: string;
};

/** Index of the first entry with a sequence number greater than `seq`. */
function firstAfter(changes: readonly Change[], seq: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const change = changes[middle];
    if (change !== undefined && change.seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class ChangeLog {
  readonly #changes: Readonly<Record<CollectionName, Change[]>> = { users: [], groups: [] };
  #startSeq: number;

  /** @param startSeq changes up to here are not in the log (seeded, or deleted since) */
  constructor(startSeq: number, changes: Iterable<Change>) {
    this.#startSeq = startSeq;
    for (const change of changes) this.append(change);
  }

  get startSeq(): number {
    return this.#startSeq;
  }

  /**
   * Moves the start of an empty log: the seed needs no entries, because no token can be older.
   *
   * @throws RangeError if the log has entries
   */
  startAt(seq: number): void {
    if (this.#changes.users.length + this.#changes.groups.length > 0) {
      throw new RangeError("the log has entries: its start cannot move");
    }
    this.#startSeq = seq;
  }

  append(change: Change): void {
    this.#changes[change.collection].push(change);
  }

  /** Entries with `fromSeq` < seq ≤ `toSeq`. */
  between(collection: CollectionName, fromSeq: number, toSeq: number): readonly Change[] {
    const changes = this.#changes[collection];
    return changes.slice(firstAfter(changes, fromSeq), firstAfter(changes, toSeq));
  }

  /** The sequence number of the last change at or before a time. */
  seqAt(timeMs: number): number {
    let seq = this.#startSeq;
    for (const changes of [this.#changes.users, this.#changes.groups]) {
      let index = changes.length - 1;
      while (index >= 0 && (changes[index]?.atMs ?? 0) > timeMs) index -= 1;
      seq = Math.max(seq, changes[index]?.seq ?? 0);
    }
    return seq;
  }

  /** A sequence number `count` entries earlier: a round from there repeats what an earlier one has shown. */
  rewind(collection: CollectionName, seq: number, count: number): number {
    const changes = this.#changes[collection];
    const index = firstAfter(changes, seq) - 1 - count;
    return index < 0 ? Math.min(seq, this.#startSeq) : (changes[index]?.seq ?? seq);
  }
}
