/**
 * Knows whether this agent's last processes crashed, and records the start and end of this one.
 *
 * States: unknown until the first unit asks, then careful or not. Careful ends when the process has worked for long
 * enough. Lane runners call it before a unit, and the agent at its end. It blames no item: see `suspect-trials`.
 */
import type { AgentId } from "@postern/contracts";
import { type Clock, timestamp } from "@postern/runtime";
import type { TrialBook } from "../ports/ledger";
import { CAREFUL_AFTER_CRASHES, CAREFUL_FOR_MS } from "./trial";

export class CrashWatch {
  readonly book: TrialBook;
  readonly agent: AgentId;
  /** Unique to this process. */
  readonly process: string;
  readonly #clock: Clock;
  #unclean = 0;
  #sinceMs = 0;
  #opening: Promise<void> | undefined;
  #opened = false;

  constructor(book: TrialBook, agent: AgentId, clock: Clock) {
    this.book = book;
    this.agent = agent;
    this.#clock = clock;
    this.process = `${agent}@${timestamp(clock.wallMs())}`;
  }

  /** Await before applying a unit. @throws OutageError */
  async ready(): Promise<void> {
    if (!this.#opened) {
      this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
      await this.#opening;
    } else if (this.#unclean > 0 && this.#clock.monotonicMs() - this.#sinceMs > CAREFUL_FOR_MS) {
      this.#unclean = 0;
      await this.#note(this.process);
    }
  }

  get careful(): boolean {
    return this.#unclean >= CAREFUL_AFTER_CRASHES;
  }

  /** Records that the process ends in an orderly way. */
  async close(): Promise<void> {
    this.#unclean = 0;
    if (this.#opened) await this.#note(null);
  }

  async #open(): Promise<void> {
    const last = await this.book.lastProcess(this.agent);
    if (last !== undefined && last.process !== null) this.#unclean = last.unclean + 1;
    await this.#note(this.process);
    this.#sinceMs = this.#clock.monotonicMs();
    this.#opened = true;
  }

  async #note(process: string | null): Promise<void> {
    const at = timestamp(this.#clock.wallMs());
    await this.book.noteProcess(this.agent, { process, unclean: this.#unclean, at });
  }
}
