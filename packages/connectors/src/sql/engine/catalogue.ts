import type { SqlEngine, TableShape } from "./engine";

/** A missing table is looked up again at most this often. */
const MISSING_RECHECK_MS = 1_000;

/** Table shapes from the target's catalogue, read once and again after a mismatch. */
export class Catalogue {
  readonly #engine: SqlEngine;
  readonly #shapes = new Map<string, { shape: TableShape | undefined; readAt: number }>();

  constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /** @param columns required columns: if one is missing, the catalogue is read again before the result is trusted */
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
