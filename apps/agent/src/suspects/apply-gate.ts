/**
 * Lets an item that may end the process be applied while nothing else is, so that a crash points at one item. There is
 * one gate per agent, and every call to a target goes through it.
 *
 * Neither side waits for long: a slow target must not stop the others because of a suspect. A suspect learns whether it
 * runs alone, and what was written down about one that did is withdrawn before other work joins it.
 */
import { type Clock, endWait } from "@postern/runtime";

/** Longer than a batch takes at a healthy target. */
const PATIENCE_MS = 2_000;

const nothing = async (): Promise<void> => undefined;

export class ApplyGate {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #together = 0;
  #suspects = 0;
  #suspectRuns = false;
  /** Of the suspect that runs alone. Called once, before the first work joins it. */
  #withdraw: () => Promise<void> = nothing;
  #withdrawn: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async together<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#suspects > 0) await this.#until(() => this.#suspects === 0, signal);
    this.#together += 1;
    try {
      if (this.#suspectRuns) await this.#join();
      return await work();
    } finally {
      this.#together -= 1;
      this.#notify();
    }
  }

  /**
   * Runs one suspect at a time; `work` is given whether it runs alone. `withdraw` removes what was written down for
   * that. It is called at most once, must not throw, and is awaited before anything else is applied in parallel.
   */
  async alone<T>(
    signal: AbortSignal,
    work: (alone: boolean) => Promise<T>,
    withdraw: () => Promise<void> = nothing,
  ): Promise<T> {
    this.#suspects += 1;
    let taken = false;
    try {
      await this.#until(() => (taken = this.#takeAlone(withdraw)), signal);
      if (!taken) {
        this.#together += 1;
        if (this.#suspectRuns) await this.#join();
      }
      return await work(taken);
    } finally {
      this.#suspects -= 1;
      if (taken) this.#suspectRuns = false;
      else this.#together -= 1;
      this.#notify();
    }
  }

  #takeAlone(withdraw: () => Promise<void>): boolean {
    if (this.#together > 0 || this.#suspectRuns) return false;
    this.#suspectRuns = true;
    this.#withdraw = withdraw;
    this.#withdrawn = undefined;
    return true;
  }

  /** The work that joins is counted already, so that no further suspect believes it is alone meanwhile. */
  #join(): Promise<void> {
    this.#withdrawn ??= this.#withdraw();
    return this.#withdrawn;
  }

  async #until(met: () => boolean, signal: AbortSignal): Promise<void> {
    const endMs = this.#clock.monotonicMs() + PATIENCE_MS;
    while (!met() && !signal.aborted) {
      const leftMs = endMs - this.#clock.monotonicMs();
      if (leftMs <= 0) return;
      const timer = new AbortController();
      const end = (): void => endWait(timer);
      signal.addEventListener("abort", end);
      this.#waiting.add(end);
      await this.#clock.sleep(leftMs, timer.signal);
      this.#waiting.delete(end);
      signal.removeEventListener("abort", end);
    }
  }

  #notify(): void {
    for (const wake of this.#waiting) wake();
  }
}
