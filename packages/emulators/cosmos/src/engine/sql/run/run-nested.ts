import type { Value } from "../../model/json";
import { accumulator, type Accumulator } from "../plan/aggregates";
import type { CompiledQuery } from "../plan/compiled-query";
import type { Frame } from "../plan/frame";
import { canonicalText, compareForOrder } from "../values/values";

/** Visits every combination of the sources' values that passes WHERE, until a visitor returns false. */
export function forEachRow(query: CompiledQuery, frame: Frame, visit: () => boolean): boolean {
  return bind(query, frame, 0, visit);
}

function bind(query: CompiledQuery, frame: Frame, index: number, visit: () => boolean): boolean {
  const source = query.sources[index];
  if (source === undefined) {
    return query.where !== undefined && query.where(frame) !== true ? true : visit();
  }
  for (const value of source.values(frame)) {
    frame.slots[source.slot] = value;
    if (!bind(query, frame, index + 1, visit)) return false;
  }
  return true;
}

interface Group {
  readonly frame: Frame;
  readonly accumulators: readonly Accumulator[];
}

/** Collects rows into groups and yields one result for each; without GROUP BY there is always exactly one. */
export class Grouping {
  readonly #query: CompiledQuery;
  readonly #groups = new Map<string, Group>();

  constructor(query: CompiledQuery) {
    this.#query = query;
  }

  add(frame: Frame): void {
    const { groupBy, aggregates } = this.#query;
    const key = groupBy.map((evaluate) => canonicalText(evaluate(frame))).join("\n");
    const group = this.#groups.get(key) ?? this.#open(key, frame);
    for (const [index, aggregate] of aggregates.entries()) {
      group.accumulators[index]?.add(aggregate.argument(frame));
    }
  }

  results(empty: Frame): Value[] {
    const { groupBy, aggregates, project } = this.#query;
    if (groupBy.length === 0 && this.#groups.size === 0) this.#open("", empty);
    return [...this.#groups.values()].map(({ frame, accumulators }) => {
      for (const [index, { slot }] of aggregates.entries()) {
        frame.slots[slot] = accumulators[index]?.result();
      }
      return project(frame);
    });
  }

  #open(key: string, frame: Frame): Group {
    const group = {
      frame: { row: frame.row, slots: [...frame.slots] },
      accumulators: this.#query.aggregates.map(({ name }) => accumulator(name)),
    };
    this.#groups.set(key, group);
    return group;
  }
}

export function isGrouped(query: CompiledQuery): boolean {
  return query.aggregates.length > 0 || query.groupBy.length > 0;
}

export interface Ordered {
  readonly keys: readonly Value[];
}

export function compareOrdered(query: CompiledQuery, left: Ordered, right: Ordered): number {
  for (const [index, { descending }] of query.orderBy.entries()) {
    const order = compareForOrder(left.keys[index], right.keys[index]);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

/** Drops results that occurred before. */
export function withoutRepeats(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [canonicalText(value), value])).values()];
}

/** Runs a query nested in another one, for the current frame. */
export function runNested(query: CompiledQuery, frame: Frame): Value[] {
  let values: Value[];
  if (isGrouped(query)) {
    const grouping = new Grouping(query);
    forEachRow(query, frame, () => {
      grouping.add(frame);
      return true;
    });
    values = grouping.results(frame);
  } else {
    const rows: (Ordered & { readonly value: Value })[] = [];
    const enough = query.orderBy.length > 0 || query.distinct ? Infinity : query.skip + query.take;
    forEachRow(query, frame, () => {
      if (rows.length >= enough) return false;
      const value = query.project(frame);
      if (value === undefined) return true;
      rows.push({ keys: query.orderBy.map(({ evaluate }) => evaluate(frame)), value });
      return rows.length < enough;
    });
    if (query.orderBy.length > 0) rows.sort((left, right) => compareOrdered(query, left, right));
    values = rows.map(({ value }) => value);
  }
  if (query.distinct) values = withoutRepeats(values);
  return values.filter((value) => value !== undefined).slice(query.skip, query.skip + query.take);
}
