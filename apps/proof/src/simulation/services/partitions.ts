import { FakeContainer } from "./fake-container";

/** Containers by definition: what one definition's documents are called says nothing of another's. */
export class Partitions<T extends object> {
  readonly #containers = new Map<string, FakeContainer<T>>();

  of(definition: string): FakeContainer<T> {
    const known = this.#containers.get(definition);
    if (known !== undefined) return known;
    const made = new FakeContainer<T>();
    this.#containers.set(definition, made);
    return made;
  }
}
