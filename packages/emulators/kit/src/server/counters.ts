/** Counts since start, by name, as the control server shows them. */
export class Counters {
  readonly #counts: Map<string, number>;

  /** @param names counters that are shown before anything is counted */
  constructor(...names: readonly string[]) {
    this.#counts = new Map(names.map((name) => [name, 0]));
  }

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
