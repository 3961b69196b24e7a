import type { TargetValue } from "@postern/contracts";
import type { Column, SqlEngine, SqlParameter } from "../engine/engine";

export type Bound =
  | { readonly ok: true; readonly parameter: SqlParameter }
  | { readonly ok: false; readonly problem: string };

type Binder = Pick<SqlEngine, "toParameter">;

const bound = (parameter: SqlParameter): Bound => ({ ok: true, parameter });
const rejected = (problem: string): Bound => ({ ok: false, problem });

const INTEGER = /^[+-]?\d{1,30}$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const TRUTH = new Map([
  ["true", true],
  ["false", false],
  ["1", true],
  ["0", false],
]);

/**
 * Converts a value to the column's type if nothing is lost. A value that would have to be cut, rounded or guessed is
 * rejected. Problems never repeat the value.
 */
export function bindValue(engine: Binder, column: Column, value: TargetValue): Bound {
  if (value === null) return bound(null);
  if (typeof value === "string" && !value.isWellFormed()) {
    return rejected("the value contains an unpaired surrogate, which is not valid Unicode");
  }
  switch (column.kind) {
    case "text":
      return bound(typeof value === "string" ? value : String(value));
    case "integer":
      return bindInteger(engine, value);
    case "number":
      if (typeof value === "string" && !NUMBER.test(value))
        return rejected("the text is not a number");
      return bound(engine.toParameter(typeof value === "boolean" ? Number(value) : value));
    case "boolean":
      return bindBoolean(engine, value);
    case "json":
      return bound(typeof value === "string" ? value : JSON.stringify(value));
    case "other":
      return bound(engine.toParameter(value));
  }
}

function bindInteger(engine: Binder, value: string | number | boolean): Bound {
  if (typeof value === "boolean") return bound(engine.toParameter(Number(value)));
  if (typeof value === "number" && !Number.isInteger(value))
    return rejected("the number is not an integer");
  if (typeof value === "string" && !INTEGER.test(value))
    return rejected("the text is not an integer");
  // SQLite would round a larger number, and other databases have no column type for it.
  return BigInt.asIntN(64, integerOf(value)) === integerOf(value)
    ? bound(engine.toParameter(value))
    : rejected("the number is not in the 64-bit range");
}

/** `BigInt` does not accept a plus sign. */
function integerOf(value: string | number): bigint {
  return BigInt(typeof value === "string" ? value.replace("+", "") : value);
}

function bindBoolean(engine: Binder, value: string | number | boolean): Bound {
  const truth = typeof value === "boolean" ? value : TRUTH.get(String(value).toLowerCase());
  return truth === undefined
    ? rejected("the value is neither true nor false")
    : bound(engine.toParameter(truth));
}
