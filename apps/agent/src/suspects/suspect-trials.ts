/**
 * Keeps the record of items that run alone, for one unit: reads it once, writes it before each try and once at the end.
 *
 * The unit runner calls it inside the gate. It applies nothing. A record that cannot be written stops the unit, because
 * without it a crash would leave no trace.
 */
import type { ItemId, ItemTrial, Lane } from "@postern/contracts";
import { type Clock, OutageError, timestamp } from "@postern/runtime";
import { decideTrial, withoutTrial } from "./trial";
import type { CrashWatch } from "./crash-watch";

export class SuspectTrials {
  readonly #suspects: CrashWatch;
  readonly #lane: Lane;
  readonly #clock: Clock;
  readonly #items: ReadonlySet<ItemId>;
  #etag: string | undefined;
  #trials: readonly ItemTrial[] | undefined;
  #unit: string | undefined;
  #stored = { unit: undefined as string | undefined, count: 0 };
  /** The trials as they were before the current try. */
  #before: readonly ItemTrial[] = [];
  #inCompany = false;
  /** Writes run one after another, each with the etag of the one before. */
  #writing: Promise<void> = Promise.resolve();

  constructor(suspects: CrashWatch, lane: Lane, items: ReadonlySet<ItemId>, clock: Clock) {
    this.#suspects = suspects;
    this.#lane = lane;
    this.#items = items;
    this.#clock = clock;
  }

  /** Whether the process has ended on this unit before, as a whole or in part. If so, its items run alone. */
  async isSuspect(signal: AbortSignal): Promise<boolean> {
    const trials = await this.#known(signal);
    return trials.length > 0 || (this.#unit !== undefined && this.#unit !== this.#suspects.process);
  }

  /** Records that the whole unit is applied now. */
  async beginUnit(signal: AbortSignal): Promise<void> {
    this.#inCompany = false;
    this.#before = await this.#known(signal);
    if (this.#inCompany) return;
    this.#unit = this.#suspects.process;
    await this.#write(signal);
  }

  /**
   * Returns how often the item has ended the process, if that is often enough to give it up; otherwise records the try
   * and returns undefined.
   */
  async begin(itemId: ItemId, signal: AbortSignal): Promise<number | undefined> {
    this.#inCompany = false;
    this.#before = await this.#known(signal);
    const decision = decideTrial(this.#before, itemId, this.#suspects.process);
    if (decision.kind === "poison") return decision.times;
    if (this.#inCompany) return undefined;
    this.#trials = decision.trials;
    await this.#write(signal);
    return undefined;
  }

  /**
   * Something else is applied in parallel from now on, so a crash would prove nothing. If the withdrawal cannot be
   * written, the record stays: other work does not wait for it, and it takes several crashes to give an item up.
   */
  async withdraw(signal: AbortSignal): Promise<void> {
    this.#inCompany = true;
    if (this.#trials === undefined) return;
    this.#unit = undefined;
    this.#trials = this.#before;
    await this.#write(signal).catch(() => undefined);
  }

  /** Records that the process has survived the item, which has a verdict or comes again. */
  ended(itemId: ItemId): void {
    this.#trials = withoutTrial(this.#trials ?? [], itemId);
  }

  /** Leaves only items that were given up: if their report is lost, they are not tried again. */
  async close(signal: AbortSignal): Promise<void> {
    this.#unit = undefined;
    const count = this.#trials?.length ?? 0;
    if (this.#stored.unit !== undefined || count !== this.#stored.count) await this.#write(signal);
  }

  async #known(signal: AbortSignal): Promise<readonly ItemTrial[]> {
    if (this.#trials === undefined) {
      const { unit, trials, etag } = await this.#suspects.book.read(this.#lane, signal);
      this.#etag = etag;
      this.#unit = unit;
      this.#stored = { unit, count: trials.length };
      // Trials of other messages are dropped: those were settled, or are tried again from the start.
      this.#trials = trials.filter(({ itemId }) => this.#items.has(itemId));
    }
    return this.#trials;
  }

  #write(signal: AbortSignal): Promise<void> {
    const written = this.#writing.then(() => this.#writeNow(signal));
    // The caller gets the failure; the next write is tried anyway.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #writeNow(signal: AbortSignal): Promise<void> {
    const { book, agent } = this.#suspects;
    const trials = this.#trials ?? [];
    const at = timestamp(this.#clock.wallMs());
    const record = { unit: this.#unit, trials, etag: this.#etag };
    const etag = await book.write(this.#lane, record, { agent, at }, signal);
    if (etag === undefined) {
      // Only the agent that holds the lane writes, so another one holds it now.
      throw new OutageError(
        "broker",
        "lock-lost",
        "trials of the lane were written by another agent",
      );
    }
    this.#etag = etag;
    this.#stored = { unit: this.#unit, count: trials.length };
  }
}
