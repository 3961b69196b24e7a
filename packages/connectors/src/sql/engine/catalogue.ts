import type { SqlEngine, TableShape } from "./engine";

/** A missing table is looked up again at most this often. */
const MISSING_RECHECK_MS = 1_000;
/** Triggers, indexes and limits may be added or dropped without any statement failing. */
const SHAPE_KEPT_MS = 60_000;

/** Table shapes from the target's catalogue, read again after a mismatch, and after a minute. */
export class Catalogue {
  readonly #engine: SqlEngine;
  readonly #shapes = new Map<string, { shape: TableShape | undefined; readAt: number }>();

  constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /** @param columns required columns: if one is missing, the catalogue is read again before the result is trusted */
  async table(object: string, columns: Iterable<string>): Promise<TableShape | undefined> {
    const known = this.#shapes.get(object);
    const ageMs = known === undefined ? Infinity : performance.now() - known.readAt;
    if (known?.shape && ageMs < SHAPE_KEPT_MS && hasColumns(known.shape, columns)) {
      return known.shape;
    }
    if (known && ageMs < MISSING_RECHECK_MS) return known.shape;
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
