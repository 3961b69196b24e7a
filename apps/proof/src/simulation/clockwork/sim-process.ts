/**
 * A simulated operating-system process: everything that happens in it is handed to it through `deliver`. One that is
 * killed receives nothing more, and its waits never end; one that is paused receives everything when it continues.
 */
import type { Timeline } from "./timeline";

export class SimProcess {
  readonly name: string;
  readonly kind: "cloud" | "agent";
  readonly timeline: Timeline;
  readonly #bootMs: number;
  readonly #kept: (() => void)[] = [];
  #alive = true;
  #paused = false;
  #skewMs: number;

  constructor(timeline: Timeline, kind: "cloud" | "agent", name: string, skewMs: number) {
    this.timeline = timeline;
    this.kind = kind;
    this.name = name;
    this.#skewMs = skewMs;
    this.#bootMs = timeline.nowMs;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get running(): boolean {
    return this.#alive && !this.#paused;
  }

  wallMs(): number {
    return Math.floor(this.timeline.nowMs + this.#skewMs);
  }

  monotonicMs(): number {
    return this.timeline.nowMs - this.#bootMs;
  }

  stepClock(byMs: number): void {
    this.#skewMs += byMs;
  }

  setSkew(skewMs: number): void {
    this.#skewMs = skewMs;
  }

  deliver(run: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#kept.push(run);
    else run();
  }

  after(delayMs: number, run: () => void): void {
    this.timeline.after(delayMs, () => this.deliver(run));
  }

  kill(): void {
    this.#alive = false;
    this.#kept.length = 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    // Each on its own, as the kernel would hand them over.
    for (const run of this.#kept.splice(0)) this.timeline.after(0, () => this.deliver(run));
  }

  readonly sleep = (durationMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const event = this.timeline.after(durationMs, () => this.deliver(end));
      const end = (): void => {
        event.run = undefined;
        signal?.removeEventListener("abort", end);
        resolve();
      };
      signal?.addEventListener("abort", end, { once: true });
    });

  readonly turn = (): Promise<void> => this.sleep(0);
}
