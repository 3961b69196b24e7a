/**
 * A function given an argument of the wrong type yields undefined, so that the row does not match.
 */
import { isObject, parseJson, type Json, type Value } from "../../model/json";
import type { SqlFunction } from "./sql-function";

const MAX_TEXT = 1_000_000;

const text = (call: (value: string) => Value): SqlFunction => ({
  minimum: 1,
  maximum: 1,
  call: ([value]) => (typeof value === "string" ? call(value) : undefined),
});

/** Compares two strings; a third argument `true` ignores case. */
const compare = (test: (value: string, other: string) => boolean): SqlFunction => ({
  minimum: 2,
  maximum: 3,
  call: ([value, other, ignoreCase]) => {
    if (typeof value !== "string" || typeof other !== "string") return undefined;
    return ignoreCase === true
      ? test(value.toLowerCase(), other.toLowerCase())
      : test(value, other);
  },
});

const slice = (call: (value: string, count: number) => string): SqlFunction => ({
  minimum: 2,
  maximum: 2,
  call: ([value, count]) =>
    typeof value === "string" && typeof count === "number"
      ? call(value, Math.max(0, Math.trunc(count)))
      : undefined,
});

function parsed(value: string, accept: (value: Json) => boolean): Value {
  try {
    const result = parseJson(value.trim());
    return accept(result) ? result : undefined;
  } catch {
    return undefined;
  }
}

function regexMatch([value, pattern, flags]: readonly Value[]): Value {
  if (typeof value !== "string" || typeof pattern !== "string") return undefined;
  const modifiers = typeof flags === "string" ? flags.replace(/[^ims]/g, "") : "";
  try {
    return new RegExp(pattern, `${modifiers}u`).test(value);
  } catch {
    return undefined;
  }
}

function toText(value: Value): Value {
  if (value === undefined || typeof value === "string") return value;
  return JSON.stringify(value);
}

export const STRING_FUNCTIONS: Record<string, SqlFunction> = {
  CONCAT: {
    minimum: 2,
    maximum: 200,
    call: (args) => (args.every((value) => typeof value === "string") ? args.join("") : undefined),
  },
  CONTAINS: compare((value, other) => value.includes(other)),
  ENDSWITH: compare((value, other) => value.endsWith(other)),
  STARTSWITH: compare((value, other) => value.startsWith(other)),
  STRINGEQUALS: compare((value, other) => value === other),
  INDEX_OF: {
    minimum: 2,
    maximum: 3,
    call: ([value, other, from]) =>
      typeof value === "string" && typeof other === "string"
        ? value.indexOf(other, typeof from === "number" ? from : 0)
        : undefined,
  },
  LEFT: slice((value, count) => value.slice(0, count)),
  RIGHT: slice((value, count) => (count === 0 ? "" : value.slice(-count))),
  LENGTH: text((value) => value.length),
  LOWER: text((value) => value.toLowerCase()),
  UPPER: text((value) => value.toUpperCase()),
  TRIM: text((value) => value.trim()),
  LTRIM: text((value) => value.trimStart()),
  RTRIM: text((value) => value.trimEnd()),
  REVERSE: text((value) => [...value].reverse().join("")),
  REPLACE: {
    minimum: 3,
    maximum: 3,
    call: ([value, from, to]) =>
      typeof value === "string" && typeof from === "string" && typeof to === "string" && from !== ""
        ? value.replaceAll(from, () => to)
        : undefined,
  },
  REPLICATE: slice((value, count) => (value.length * count > MAX_TEXT ? "" : value.repeat(count))),
  SUBSTRING: {
    minimum: 3,
    maximum: 3,
    call: ([value, from, count]) =>
      typeof value === "string" && typeof from === "number" && typeof count === "number"
        ? value.slice(Math.max(0, from), Math.max(0, from) + Math.max(0, count))
        : undefined,
  },
  REGEXMATCH: { minimum: 2, maximum: 3, call: regexMatch },
  STRINGJOIN: {
    minimum: 2,
    maximum: 2,
    call: ([array, separator]) =>
      Array.isArray(array) &&
      typeof separator === "string" &&
      array.every((item) => typeof item === "string")
        ? array.join(separator)
        : undefined,
  },
  STRINGSPLIT: {
    minimum: 2,
    maximum: 2,
    call: ([value, separator]) =>
      typeof value === "string" && typeof separator === "string"
        ? value.split(separator)
        : undefined,
  },
  STRINGTOARRAY: text((value) => parsed(value, Array.isArray)),
  STRINGTOBOOLEAN: text((value) => parsed(value, (result) => typeof result === "boolean")),
  STRINGTONULL: text((value) => parsed(value, (result) => result === null)),
  STRINGTONUMBER: text((value) => parsed(value, (result) => typeof result === "number")),
  STRINGTOOBJECT: text((value) => parsed(value, isObject)),
  TOSTRING: { minimum: 1, maximum: 1, call: ([value]) => toText(value) },
};
