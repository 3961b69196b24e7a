/** Documents with etags, as Cosmos keeps them: what is read is never what is stored, one level deep. */
export interface StoredDocument<T> {
  readonly value: T;
  readonly etag: string;
}

export class FakeContainer<T extends object> {
  readonly documents = new Map<string, StoredDocument<T>>();
  /** What was there before the last write of each document. */
  readonly #before = new Map<string, StoredDocument<T> | undefined>();
  #etag = 0;

  read(id: string, stale = false): StoredDocument<T> | undefined {
    const found = stale && this.#before.has(id) ? this.#before.get(id) : this.documents.get(id);
    return found === undefined ? undefined : { value: { ...found.value }, etag: found.etag };
  }

  /** The new etag. */
  put(id: string, value: T): string {
    this.#before.set(id, this.documents.get(id));
    this.#etag += 1;
    const etag = `"${this.#etag}"`;
    this.documents.set(id, { value: { ...value }, etag });
    return etag;
  }

  /** The new etag, or why not. `etag` undefined: it must not exist. */
  write(id: string, value: T, etag: string | undefined): string | undefined {
    const found = this.documents.get(id);
    if (found?.etag !== etag) return undefined;
    return this.put(id, value);
  }

  delete(id: string): void {
    this.documents.delete(id);
  }

  *values(): IterableIterator<T> {
    for (const { value } of this.documents.values()) yield value;
  }
}
