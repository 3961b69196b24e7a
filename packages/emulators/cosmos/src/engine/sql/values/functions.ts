import { isObject, type Value } from "../../model/json";
import { ARRAY_FUNCTIONS } from "./array-functions";
import { DATE_FUNCTIONS } from "./date-functions";
import { MATH_FUNCTIONS } from "./math-functions";
import type { SqlFunction } from "./sql-function";
import { STRING_FUNCTIONS } from "./string-functions";

const check = (test: (value: Value) => boolean): SqlFunction => ({
  minimum: 1,
  maximum: 1,
  call: ([value]) => test(value),
});

const TYPE_FUNCTIONS: Record<string, SqlFunction> = {
  IS_ARRAY: check(Array.isArray),
  IS_BOOL: check((value) => typeof value === "boolean"),
  IS_DEFINED: check((value) => value !== undefined),
  IS_FINITE_NUMBER: check((value) => typeof value === "number" && Number.isFinite(value)),
  IS_INTEGER: check((value) => typeof value === "number" && Number.isInteger(value)),
  IS_NULL: check((value) => value === null),
  IS_NUMBER: check((value) => typeof value === "number"),
  IS_OBJECT: check(isObject),
  IS_PRIMITIVE: check(
    (value) => value !== undefined && (value === null || typeof value !== "object"),
  ),
  IS_STRING: check((value) => typeof value === "string"),
  IIF: { minimum: 3, maximum: 3, call: ([test, yes, no]) => (test === true ? yes : no) },
};

const FUNCTIONS: ReadonlyMap<string, SqlFunction> = new Map(
  [TYPE_FUNCTIONS, STRING_FUNCTIONS, ARRAY_FUNCTIONS, MATH_FUNCTIONS, DATE_FUNCTIONS].flatMap(
    (group) => Object.entries(group),
  ),
);

/** A built-in function by its name in upper case. */
export function findFunction(name: string): SqlFunction | undefined {
  return FUNCTIONS.get(name);
}
