/** Counts since start, by name, as the control server shows them. */
export class Counters {
  readonly #counts = new Map<string, number>([
    ["requests", 0],
    ["requestUnits", 0],
    ["metadataRequests", 0],
    ["throttled", 0],
  ]);

  add(name: string, amount = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + amount);
  }

  snapshot(): Record<string, number> {
    const counts = Object.fromEntries(this.#counts);
    // Sums of decimal fractions drift; two decimals are all that a charge has.
    counts["requestUnits"] = Math.round((counts["requestUnits"] ?? 0) * 100) / 100;
    return counts;
  }
}
