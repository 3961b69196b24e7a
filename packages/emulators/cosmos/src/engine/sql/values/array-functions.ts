import { isObject, type Json, type Value } from "../../model/json";
import type { SqlFunction } from "./sql-function";
import { canonicalText, containsPartially, valuesEqual } from "./values";

function contains([array, value, partial]: readonly Value[]): Value {
  if (!Array.isArray(array)) return undefined;
  if (value === undefined) return false;
  if (partial === true) return array.some((item) => containsPartially(item, value));
  return array.some((item) => valuesEqual(item, value));
}

function slice([array, from, count]: readonly Value[]): Value {
  if (!Array.isArray(array) || typeof from !== "number") return undefined;
  if (count === undefined) return array.slice(from);
  if (typeof count !== "number") return undefined;
  const start = from < 0 ? Math.max(0, array.length + from) : from;
  return array.slice(start, start + Math.max(0, count));
}

function distinct(values: readonly Json[]): Json[] {
  const seen = new Map(values.map((value) => [canonicalText(value), value]));
  return [...seen.values()];
}

const pair = (call: (left: Json[], right: Json[]) => Value): SqlFunction => ({
  minimum: 2,
  maximum: 2,
  call: ([left, right]) =>
    Array.isArray(left) && Array.isArray(right) ? call(left, right) : undefined,
});

export const ARRAY_FUNCTIONS: Record<string, SqlFunction> = {
  ARRAY_CONCAT: {
    minimum: 2,
    maximum: 200,
    call: (args) => {
      const arrays = args.filter((value) => Array.isArray(value));
      return arrays.length === args.length ? arrays.flat(1) : undefined;
    },
  },
  ARRAY_CONTAINS: { minimum: 2, maximum: 3, call: contains },
  ARRAY_CONTAINS_ALL: {
    minimum: 2,
    maximum: 200,
    call: ([array, ...values]) =>
      Array.isArray(array) ? values.every((value) => contains([array, value]) === true) : undefined,
  },
  ARRAY_CONTAINS_ANY: {
    minimum: 2,
    maximum: 200,
    call: ([array, ...values]) =>
      Array.isArray(array) ? values.some((value) => contains([array, value]) === true) : undefined,
  },
  ARRAY_LENGTH: {
    minimum: 1,
    maximum: 1,
    call: ([array]) => (Array.isArray(array) ? array.length : undefined),
  },
  ARRAY_SLICE: { minimum: 2, maximum: 3, call: slice },
  OBJECTTOARRAY: {
    minimum: 1,
    maximum: 1,
    call: ([value]) =>
      isObject(value) ? Object.entries(value).map(([k, v]) => ({ k, v })) : undefined,
  },
  SETINTERSECT: pair((left, right) =>
    distinct(left.filter((value) => right.some((other) => valuesEqual(value, other)))),
  ),
  SETUNION: pair((left, right) => distinct([...left, ...right])),
};
