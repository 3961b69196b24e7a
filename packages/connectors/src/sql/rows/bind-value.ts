import type { TargetValue } from "@postern/contracts";
import type { Column, SqlEngine, SqlParameter } from "../engine/engine";

export type Bound =
  | { readonly ok: true; readonly parameter: SqlParameter }
  | { readonly ok: false; readonly problem: string };

type Binder = Pick<SqlEngine, "toParameter">;

const bound = (parameter: SqlParameter): Bound => ({ ok: true, parameter });
const refused = (problem: string): Bound => ({ ok: false, problem });

const WHOLE_NUMBER = /^[+-]?\d{1,30}$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const TRUTH = new Map([
  ["true", true],
  ["false", false],
  ["1", true],
  ["0", false],
]);

/**
 * Converts a value to what the column stores, where nothing is lost by it. What would be cut, rounded or guessed is
 * refused. Problems never repeat the value.
 */
export function bindValue(engine: Binder, column: Column, value: TargetValue): Bound {
  if (value === null) return bound(null);
  if (typeof value === "string" && !value.isWellFormed()) {
    return refused("the value holds half a surrogate pair, which is not Unicode text");
  }
  switch (column.kind) {
    case "text":
      return bound(typeof value === "string" ? value : String(value));
    case "integer":
      return bindInteger(engine, value);
    case "number":
      if (typeof value === "string" && !NUMBER.test(value))
        return refused("the text is not a number");
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
    return refused("the number is not whole");
  if (typeof value === "string" && !WHOLE_NUMBER.test(value))
    return refused("the text is not a whole number");
  // SQLite would round it, and other databases have no column for it.
  return BigInt.asIntN(64, wholeOf(value)) === wholeOf(value)
    ? bound(engine.toParameter(value))
    : refused("the number is not within 64 bits");
}

/** `BigInt` does not read a plus sign. */
function wholeOf(value: string | number): bigint {
  return BigInt(typeof value === "string" ? value.replace("+", "") : value);
}

function bindBoolean(engine: Binder, value: string | number | boolean): Bound {
  const truth = typeof value === "boolean" ? value : TRUTH.get(String(value).toLowerCase());
  return truth === undefined
    ? refused("the value is neither true nor false")
    : bound(engine.toParameter(truth));
}
