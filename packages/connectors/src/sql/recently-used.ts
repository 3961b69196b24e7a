/** Values by key, of which the most recently used are kept. A map iterates in the order of insertion: oldest first. */
export class RecentlyUsed<Value extends object> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();

  /** @param most values that are kept */
  constructor(most: number) {
    this.#most = most;
  }

  /** The value of the key, made if it is not kept. Throws what `make` throws; nothing is kept then. */
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
