import type { Json, Value } from "../../model/json";

/** What an expression is evaluated against. */
export interface Frame {
  /** The current document, parsed on first use. */
  row: Row;
  /** Values bound by JOINs, nested queries and aggregates. */
  slots: Value[];
}

export interface Row {
  value(): Json;
}

export type Evaluate = (frame: Frame) => Value;

/** The value of the whole document. */
export const rootValue: Evaluate = (frame) => frame.row.value();
