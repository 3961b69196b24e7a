/**
 * Equality and order of values as the query language defines them: values of different types are unequal and unordered,
 * except in ORDER BY, MIN and MAX, where the types themselves are ordered.
 */
import { isObject, ownValue, type Json, type Value } from "../../model/json";

export function valuesEqual(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => valuesEqual(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && valuesEqual(left[key], right[key]))
  );
}

/** Negative, zero or positive; `undefined` when the two have no order. */
export function compareSameType(left: Value, right: Value): number | undefined {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  if (left === null && right === null) return 0;
  return undefined;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function typeRank(value: Value): number {
  switch (typeof value) {
    case "undefined":
      return 0;
    case "boolean":
      return 2;
    case "number":
      return 3;
    case "string":
      return 4;
    default:
      return value === null ? 1 : Array.isArray(value) ? 5 : 6;
  }
}

/** A total order over all values: undefined, null, booleans, numbers, strings, arrays, objects. */
export function compareForOrder(left: Value, right: Value): number {
  const ranks = typeRank(left) - typeRank(right);
  if (ranks !== 0) return ranks;
  const order = compareSameType(left, right);
  if (order !== undefined) return order;
  return compareText(canonicalText(left), canonicalText(right));
}

/** The same text for equal values, whatever the order of their properties. */
export function canonicalText(value: Value): string {
  if (value === undefined) return "undefined";
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalText(value[key])}`);
  return `{${entries.join(",")}}`;
}

/** The value of `value[key]`. */
export function propertyOf(value: Value, key: Value): Value {
  if (typeof key === "string") return isObject(value) ? ownValue(value, key) : undefined;
  if (typeof key === "number" && Array.isArray(value)) return value[key];
  return undefined;
}

/** Whether an object contains all properties of another, for ARRAY_CONTAINS with a partial match. */
export function containsPartially(value: Json, part: Json): boolean {
  if (!isObject(value) || !isObject(part)) return valuesEqual(value, part);
  return Object.entries(part).every(
    ([key, expected]) => Object.hasOwn(value, key) && valuesEqual(value[key], expected),
  );
}

const REGEXP_SPECIAL = /[\\^$.*+?()[\]{}|]/;

/** A LIKE pattern: `%` any run, `_` any one character, `[abc]` and `[^a-c]` sets. */
export function likePattern(pattern: string, escape: string | undefined): RegExp {
  let source = "";
  for (let index = 0; index < pattern.length; index += 1) {
    const letter = pattern.charAt(index);
    if (letter === escape && index + 1 < pattern.length) {
      index += 1;
      source += escapeLetter(pattern.charAt(index));
    } else if (letter === "%") source += "[^]*";
    else if (letter === "_") source += "[^]";
    else if (letter === "[") {
      const close = pattern.indexOf("]", index + 1);
      if (close === -1) source += "\\[";
      else {
        const set = pattern.slice(index + 1, close).replace(/[\\[]/g, "\\$&");
        source += `[${set}]`;
        index = close;
      }
    } else source += escapeLetter(letter);
  }
  return new RegExp(`^${source}$`);
}

function escapeLetter(letter: string): string {
  return REGEXP_SPECIAL.test(letter) ? `\\${letter}` : letter;
}
