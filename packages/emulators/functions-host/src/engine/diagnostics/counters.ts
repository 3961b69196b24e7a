/** What the control server reports under /stats. */
export class Counters {
  readonly #counts = new Map<string, number>([
    ["invocations", 0],
    ["failures", 0],
    ["active", 0],
    ["serviceBusReceived", 0],
  ]);

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
