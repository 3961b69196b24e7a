/** A heap with fewer entries than this is not worth a sweep. */
const MIN_SWEPT = 1024;

/**
 * Binary min-heap over a numeric key, with lazy deletion: entries that died elsewhere stay until they surface or
 * until {@link MinHeap.sweep} finds that they have become the majority.
 */
export class MinHeap<T> {
  #items: T[] = [];
  readonly #key: (item: T) => number;

  constructor(key: (item: T) => number) {
    this.#key = key;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  pop(): T | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) {
      this.#items[0] = last;
      this.#sink(0);
    }
    return top;
  }

  /** Rebuilds the heap without dead entries when more than half of a large heap is dead. */
  sweep(liveCount: number, isLive: (item: T) => boolean): void {
    if (this.#items.length < MIN_SWEPT || this.#items.length < 2 * liveCount) return;
    this.#items = this.#items.filter(isLive);
    for (let index = (this.#items.length >> 1) - 1; index >= 0; index -= 1) this.#sink(index);
  }

  #rise(start: number): void {
    const items = this.#items;
    const item = items[start];
    if (item === undefined) return;
    const key = this.#key(item);
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex];
      if (parent === undefined || this.#key(parent) <= key) break;
      items[index] = parent;
      index = parentIndex;
    }
    items[index] = item;
  }

  #sink(start: number): void {
    const items = this.#items;
    const item = items[start];
    if (item === undefined) return;
    const key = this.#key(item);
    let index = start;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = items[childIndex];
      if (child === undefined) break;
      const right = items[childIndex + 1];
      if (right !== undefined && this.#key(right) < this.#key(child)) {
        child = right;
        childIndex += 1;
      }
      if (this.#key(child) >= key) break;
      items[index] = child;
      index = childIndex;
    }
    items[index] = item;
  }
}
