/**
 * Runs a compiled query over rows, one page at a time, in one of three ways:
 * - streaming (no ORDER BY, DISTINCT or aggregates): stops when the page is full and continues after the last row;
 * - ordered: sorts everything that matches and continues after the last row's ORDER BY values and position;
 * - collected (aggregates, GROUP BY, DISTINCT): computes the whole result and continues by count.
 */
import type { Value } from "../../model/json";
import type { CompiledQuery } from "../plan/compiled-query";
import { START, type Continuation } from "./continuation";
import {
  compareOrdered,
  forEachRow,
  Grouping,
  isGrouped,
  withoutRepeats,
  type Ordered,
} from "./run-nested";
import type { Frame, Row } from "../plan/frame";

/** A document as a source of results, in the order of its position. */
export interface SourceRow extends Row {
  readonly position: number;
  /** The document as clients see it, as JSON text. */
  text(): string;
  /** Frees the parsed document: sorting keeps many rows, and parsed ones are large. */
  forget(): void;
}

export interface PageLimit {
  readonly items: number;
  readonly bytes: number;
}

export interface Page {
  /** Results as JSON texts. */
  readonly items: readonly string[];
  /** Absent: this is the last page. */
  readonly next: Continuation | undefined;
}

export function runQuery(
  query: CompiledQuery,
  rows: Iterable<SourceRow>,
  from: Continuation,
  limit: PageLimit,
): Page {
  if (isGrouped(query) || query.distinct) return runCollected(query, rows, from, limit);
  if (query.orderBy.length > 0) return runOrdered(query, rows, from, limit);
  return runStreaming(query, rows, from, limit);
}

/** A page being filled. */
class PageFiller {
  readonly items: string[] = [];
  readonly #limit: PageLimit;
  #bytes = 0;

  constructor(limit: PageLimit) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.items.length >= this.#limit.items || this.#bytes >= this.#limit.bytes;
  }

  add(item: string): void {
    this.items.push(item);
    this.#bytes += item.length;
  }
}

function textOf(query: CompiledQuery, row: SourceRow, frame: Frame): string | undefined {
  if (query.projectsRow) return row.text();
  const value = query.project(frame);
  return value === undefined ? undefined : JSON.stringify(value);
}

function runStreaming(
  query: CompiledQuery,
  rows: Iterable<SourceRow>,
  from: Continuation,
  limit: PageLimit,
): Page {
  const page = new PageFiller(limit);
  let { passed } = from;
  let last: Continuation = from;
  let more = false;
  const end = query.skip + query.take;
  for (const row of rows) {
    const order = from.position === undefined ? 1 : row.position - from.position;
    if (order < 0) continue;
    let rowsOfDocument = 0;
    const toSkip = order === 0 ? from.rowsOfDocument : 0;
    const frame: Frame = { row, slots: [] };
    more = !forEachRow(query, frame, () => {
      if (rowsOfDocument < toSkip) {
        rowsOfDocument += 1;
        return true;
      }
      if (passed >= end || page.isFull) return false;
      const text = textOf(query, row, frame);
      rowsOfDocument += 1;
      if (text !== undefined) {
        if (passed >= query.skip) page.add(text);
        passed += 1;
      }
      last = { passed, position: row.position, rowsOfDocument, keys: undefined };
      return true;
    });
    if (more) break;
  }
  return { items: page.items, next: more && passed < end ? last : undefined };
}

interface OrderedRow extends Ordered {
  readonly position: number;
  readonly rowOfDocument: number;
  readonly text: () => string;
}

function runOrdered(
  query: CompiledQuery,
  rows: Iterable<SourceRow>,
  from: Continuation,
  limit: PageLimit,
): Page {
  const compare = (left: Omit<OrderedRow, "text">, right: Omit<OrderedRow, "text">): number =>
    compareOrdered(query, left, right) ||
    left.position - right.position ||
    left.rowOfDocument - right.rowOfDocument;
  const after =
    from.keys === undefined || from.position === undefined
      ? undefined
      : { keys: from.keys, position: from.position, rowOfDocument: from.rowsOfDocument };
  const enough = rowsNeeded(query, from, limit);
  let found: OrderedRow[] = [];
  for (const row of rows) {
    let rowOfDocument = 0;
    const frame: Frame = { row, slots: [] };
    forEachRow(query, frame, () => {
      rowOfDocument += 1;
      const keys = query.orderBy.map(({ evaluate }) => evaluate(frame));
      const place = { keys, position: row.position, rowOfDocument };
      if (after !== undefined && compare(place, after) <= 0) return true;
      const text = query.projectsRow ? undefined : textOf(query, row, frame);
      if (!query.projectsRow && text === undefined) return true;
      found.push({ ...place, text: text === undefined ? () => row.text() : () => text });
      return true;
    });
    row.forget();
    if (found.length > 2 * enough) found = found.sort(compare).slice(0, enough);
  }
  found.sort(compare);
  return windowPage(query, found, from, limit, ({ keys, position, rowOfDocument }, passed) => ({
    passed,
    position,
    rowsOfDocument: rowOfDocument,
    keys,
  }));
}

/** How many rows, from the first on, decide what is on the page and whether another one follows. */
function rowsNeeded(query: CompiledQuery, from: Continuation, limit: PageLimit): number {
  const skipped = Math.max(0, query.skip - from.passed);
  return Math.max(1, Math.min(query.skip + query.take - from.passed, skipped + limit.items + 1));
}

function runCollected(
  query: CompiledQuery,
  rows: Iterable<SourceRow>,
  from: Continuation,
  limit: PageLimit,
): Page {
  let values: Value[];
  if (isGrouped(query)) {
    const grouping = new Grouping(query);
    for (const row of rows) {
      const frame: Frame = { row, slots: [] };
      forEachRow(query, frame, () => {
        grouping.add(frame);
        return true;
      });
    }
    values = grouping.results({ row: { value: () => null }, slots: [] });
  } else {
    const ordered: (Ordered & { readonly value: Value })[] = [];
    for (const row of rows) {
      const frame: Frame = { row, slots: [] };
      forEachRow(query, frame, () => {
        const keys = query.orderBy.map(({ evaluate }) => evaluate(frame));
        ordered.push({ keys, value: query.project(frame) });
        return true;
      });
    }
    if (query.orderBy.length > 0) ordered.sort((left, right) => compareOrdered(query, left, right));
    values = ordered.map(({ value }) => value);
  }
  if (query.distinct) values = withoutRepeats(values);
  const texts = values.filter((value) => value !== undefined).map((value) => JSON.stringify(value));
  const left = texts.slice(from.passed).map((text) => ({ text: () => text }));
  return windowPage(query, left, from, limit, (_, passed) => ({ ...START, passed }));
}

/** A page of ordered results that begin where the last page ended. */
function windowPage<T extends { readonly text: () => string }>(
  query: CompiledQuery,
  results: readonly T[],
  from: Continuation,
  limit: PageLimit,
  continuationAfter: (result: T, passed: number) => Continuation,
): Page {
  const page = new PageFiller(limit);
  let { passed } = from;
  let next: Continuation | undefined;
  for (const result of results) {
    if (passed >= query.skip + query.take) return { items: page.items, next: undefined };
    if (page.isFull) return { items: page.items, next };
    if (passed >= query.skip) page.add(result.text());
    passed += 1;
    next = continuationAfter(result, passed);
  }
  return { items: page.items, next: undefined };
}
