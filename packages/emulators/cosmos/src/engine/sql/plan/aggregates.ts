import type { Value } from "../../model/json";
import type { Evaluate } from "./frame";
import { compareForOrder } from "../values/values";

export type AggregateName = "COUNT" | "SUM" | "MIN" | "MAX" | "AVG";

const NAMES: ReadonlySet<string> = new Set(["COUNT", "SUM", "MIN", "MAX", "AVG"]);

export function isAggregate(name: string): name is AggregateName {
  return NAMES.has(name);
}

/** An aggregate of a SELECT: its argument, and the slot of the frame that takes its result. */
export interface Aggregate {
  readonly name: AggregateName;
  readonly argument: Evaluate;
  readonly slot: number;
}

export interface Accumulator {
  add(value: Value): void;
  result(): Value;
}

/** Undefined values are skipped; a SUM or AVG of anything but numbers is undefined. */
export function accumulator(name: AggregateName): Accumulator {
  switch (name) {
    case "COUNT": {
      let count = 0;
      return { add: (value) => void (count += value === undefined ? 0 : 1), result: () => count };
    }
    case "SUM":
    case "AVG":
      return numbers(name === "AVG");
    case "MIN":
      return extreme((order) => order < 0);
    case "MAX":
      return extreme((order) => order > 0);
  }
}

function numbers(average: boolean): Accumulator {
  let sum = 0;
  let count = 0;
  let broken = false;
  return {
    add: (value) => {
      if (value === undefined) return;
      if (typeof value !== "number") broken = true;
      else {
        sum += value;
        count += 1;
      }
    },
    result: () => (broken || count === 0 ? undefined : average ? sum / count : sum),
  };
}

function extreme(better: (order: number) => boolean): Accumulator {
  let best: Value;
  return {
    add: (value) => {
      if (value === undefined) return;
      if (best === undefined || better(compareForOrder(value, best))) best = value;
    },
    result: () => best,
  };
}
