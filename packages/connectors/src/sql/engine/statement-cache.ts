import type { CompiledQuery } from "kysely";

const SHAPES_CACHED = 256;

/** Compiled statements by shape (verb, table, columns, rows): a batch of a known shape only binds its parameters. */
export class StatementCache {
  readonly #shapes = new Map<string, CompiledQuery>();

  get(shape: string, build: () => CompiledQuery): CompiledQuery {
    const known = this.#shapes.get(shape);
    if (known) {
      this.#shapes.delete(shape);
      this.#shapes.set(shape, known);
      return known;
    }
    const built = build();
    this.#shapes.set(shape, built);
    const oldest = this.#shapes.keys().next();
    if (this.#shapes.size > SHAPES_CACHED && !oldest.done) this.#shapes.delete(oldest.value);
    return built;
  }

  clear(): void {
    this.#shapes.clear();
  }
}
