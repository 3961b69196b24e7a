/**
 * Keeps the record of items that run alone, for one unit: read once, written before each try, and once at the end.
 *
 * Called by the unit runner, inside the gate. It never applies anything, and a record that cannot be written stops the unit:
 * without it a crash would leave no word.
 */
import type { ItemId, ItemTrial, Lane } from "@postern/contracts";
import { stamp } from "../units/ledger-decision";
import { type Clock, OutageError } from "@postern/runtime";
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
  /** As they were before the try that is under way. */
  #before: readonly ItemTrial[] = [];
  #inCompany = false;
  /** Writes follow each other, each with the etag of the one before. */
  #writing: Promise<void> = Promise.resolve();

  constructor(suspects: CrashWatch, lane: Lane, items: ReadonlySet<ItemId>, clock: Clock) {
    this.#suspects = suspects;
    this.#lane = lane;
    this.#items = items;
    this.#clock = clock;
  }

  /** Whether the process has ended on this unit before, as a whole or in part: then its items run alone. */
  async isSuspect(signal: AbortSignal): Promise<boolean> {
    const trials = await this.#known(signal);
    return trials.length > 0 || (this.#unit !== undefined && this.#unit !== this.#suspects.process);
  }

  /** The whole unit is applied now. */
  async beginUnit(signal: AbortSignal): Promise<void> {
    this.#inCompany = false;
    this.#before = await this.#known(signal);
    if (this.#inCompany) return;
    this.#unit = this.#suspects.process;
    await this.#write(signal);
  }

  /** How often the item has ended the process, if that is enough; otherwise undefined, and the item may be applied now. */
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
   * Something else is applied beside it from now on, and a crash would prove nothing. Where that cannot be written the
   * record stays: others are not kept waiting for it, and it takes several crashes to give an item up.
   */
  async withdraw(signal: AbortSignal): Promise<void> {
    this.#inCompany = true;
    if (this.#trials === undefined) return;
    this.#unit = undefined;
    this.#trials = this.#before;
    await this.#write(signal).catch(() => undefined);
  }

  /** The item has a verdict, or comes again, and the process lives. */
  ended(itemId: ItemId): void {
    this.#trials = withoutTrial(this.#trials ?? [], itemId);
  }

  /** Leaves only what was given up: should its report be lost, it is not tried again. */
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
      // Of other messages: they were settled, or are tried anew.
      this.#trials = trials.filter(({ itemId }) => this.#items.has(itemId));
    }
    return this.#trials;
  }

  #write(signal: AbortSignal): Promise<void> {
    const written = this.#writing.then(() => this.#writeNow(signal));
    // Told to whoever asked for it; the next one is tried all the same.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #writeNow(signal: AbortSignal): Promise<void> {
    const { book, agent } = this.#suspects;
    const trials = this.#trials ?? [];
    const at = stamp(this.#clock.wallMs());
    const record = { unit: this.#unit, trials, etag: this.#etag };
    const etag = await book.write(this.#lane, record, { agent, at }, signal);
    if (etag === undefined) {
      // Whoever holds the lane writes: it is held by another.
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
