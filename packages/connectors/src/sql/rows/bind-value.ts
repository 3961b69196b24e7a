/**
 * Converts a value to the column's type if nothing is lost. A value that would have to be cut, rounded or guessed is
 * rejected. Problems tell the shape of a value and never the value.
 */
import { decimalOf, type TargetValue } from "@postern/contracts";
import type { Column, SqlEngine } from "../engine/engine";
import { bindTime } from "./bind-time";
import { bound, type Bound, rejected } from "./bound";

type Binder = Pick<SqlEngine, "toParameter">;

const INTEGER = /^[+-]?\d{1,30}$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const TRUTH = new Map([
  ["true", true],
  ["false", false],
  ["1", true],
  ["0", false],
]);
/** Digits that tell every `float4` from its neighbours. */
const FLOAT32_DIGITS = 9;

export function bindValue(engine: Binder, column: Column, value: TargetValue): Bound {
  if (value === null) return bound(null);
  if (typeof value === "string" && !value.isWellFormed()) {
    return rejected("the value contains an unpaired surrogate, which is not valid Unicode");
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return rejected("the number is not finite");
  }
  switch (column.kind) {
    case "text":
      return bindText(column, typeof value === "number" ? plainNumber(value) : String(value));
    case "integer":
      return bindInteger(column, value);
    case "number":
      return bindNumber(engine, column, value);
    case "boolean":
      return bindBoolean(engine, value);
    case "date":
    case "timestamp":
      return bindTime(column, value);
    case "json":
      return bound(typeof value === "string" ? value : JSON.stringify(value));
    case "other":
      return bound(engine.toParameter(value));
  }
}

/** Without an exponent: `String(1e21)` is `1e+21`. */
function plainNumber(value: number): string {
  return decimalOf(String(value))?.text ?? String(value);
}

function bindText({ maxChars }: Column, text: string): Bound {
  if (maxChars === undefined || text.length <= maxChars) return bound(text);
  // Databases count characters, JavaScript counts UTF-16 units.
  const chars = Array.from(text).length;
  return chars <= maxChars
    ? bound(text)
    : rejected(`the text has ${chars} characters, and the column takes ${maxChars}`);
}

function bindInteger(column: Column, value: string | number | boolean): Bound {
  if (typeof value === "number" && !Number.isInteger(value)) {
    return rejected("the number is not an integer");
  }
  if (typeof value === "string" && !INTEGER.test(value)) {
    return rejected("the text is not an integer");
  }
  const integer = integerOf(value);
  const bits = column.bits ?? 64;
  // SQLite would round a larger number, and other databases have no column type for it.
  if (BigInt.asIntN(bits, integer) !== integer) {
    return rejected(`the number is not in the ${bits}-bit range`);
  }
  return typeof value === "number" && !Number.isSafeInteger(value)
    ? rejected("the number is not exact, because it is beyond 2^53: map it as text")
    : bound(integer);
}

function integerOf(value: string | number | boolean): bigint {
  if (typeof value !== "string") return BigInt(value);
  // `BigInt` does not accept a plus sign.
  return BigInt(value.replace("+", ""));
}

function bindNumber(engine: Binder, column: Column, value: string | number | boolean): Bound {
  const given = typeof value === "boolean" ? Number(value) : value;
  if (typeof given === "string" && !NUMBER.test(given)) return rejected("the text is not a number");
  const decimal = decimalOf(String(given));
  if (decimal === undefined) return rejected("the number is not one of at most 1,000 digits");
  const { decimals: most = Infinity } = column;
  if (decimal.decimals > most) {
    return rejected(`the number has ${decimal.decimals} decimals, and the column keeps ${most}`);
  }
  switch (column.numbers) {
    case "float32":
      return shortestFloat32(Number(given)) === decimal.text
        ? bound(String(given))
        : notExact(column);
    case "int64-or-float64":
      if (INTEGER.test(decimal.text)) {
        const integer = BigInt(decimal.text);
        if (BigInt.asIntN(64, integer) === integer) return bound(integer);
      }
      return bindFloat64(engine, column, decimal.text);
    case "float64":
      return bindFloat64(engine, column, decimal.text);
    default:
      return bound(typeof given === "number" ? engine.toParameter(given) : given);
  }
}

/** A double stands for the shortest decimal that leads to it, as in JSON. */
function bindFloat64(engine: Binder, column: Column, text: string): Bound {
  const float = Number(text);
  return Number.isFinite(float) && plainNumber(float) === text
    ? bound(engine.toParameter(float))
    : notExact(column);
}

function notExact({ declaredType }: Column): Bound {
  return rejected(`the number has more digits than ${declaredType} keeps`);
}

function shortestFloat32(value: number): string | undefined {
  const float = Math.fround(value);
  if (!Number.isFinite(float)) return undefined;
  for (let digits = 1; digits <= FLOAT32_DIGITS; digits += 1) {
    const shorter = Number(float.toPrecision(digits));
    if (Math.fround(shorter) === float) return plainNumber(shorter);
  }
  return undefined;
}

function bindBoolean(engine: Binder, value: string | number | boolean): Bound {
  const truth = typeof value === "boolean" ? value : TRUTH.get(String(value).toLowerCase());
  return truth === undefined
    ? rejected("the value is neither true nor false")
    : bound(engine.toParameter(truth));
}
