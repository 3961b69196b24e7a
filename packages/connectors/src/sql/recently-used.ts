/** Values by key. Keeps the most recently used ones: a map iterates in the order of insertion, oldest first. */
export class RecentlyUsed<Value extends object> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();

  /** @param most number of values to keep */
  constructor(most: number) {
    this.#most = most;
  }

  /** Returns the value of a key; `make` makes it if it is not kept. If `make` throws, nothing is kept. */
  get(key: string, make: () => Value): Value {
    const value = this.#values.get(key) ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    const oldest = this.#values.keys().next();
    if (this.#values.size > this.#most && !oldest.done) this.#values.delete(oldest.value);
    return value;
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }
}
