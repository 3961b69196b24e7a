import type { SqlEngine, TableShape } from "./engine";

/** A table that is missing is looked for again at most this often. */
const MISSING_RECHECK_MS = 1_000;

/** Table shapes as the target's catalogue tells them, read once and again when a mismatch shows. */
export class Catalogue {
  readonly #engine: SqlEngine;
  readonly #shapes = new Map<string, { shape: TableShape | undefined; readAt: number }>();

  constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /** @param columns columns that must be there: when one is not, the catalogue is read again before that is believed */
  async table(object: string, columns: Iterable<string>): Promise<TableShape | undefined> {
    const known = this.#shapes.get(object);
    if (known?.shape && hasColumns(known.shape, columns)) return known.shape;
    if (known && performance.now() - known.readAt < MISSING_RECHECK_MS) return known.shape;
    const shape = await this.#engine.describe(object);
    this.#shapes.set(object, { shape, readAt: performance.now() });
    return shape;
  }

  clear(): void {
    this.#shapes.clear();
  }
}

function hasColumns(shape: TableShape, columns: Iterable<string>): boolean {
  for (const name of columns) if (!shape.findColumn(name)) return false;
  return true;
}
