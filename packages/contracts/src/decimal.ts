/** Decimal numbers as texts, exact at any size. */

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,4}))?$/;
/** More digits than any column stores. A short text such as 1e9999 must not become a long one. */
const MOST_DIGITS = 1_000;
/** With sign, point and exponent. What is longer is none, and matching it would take the square of its length. */
const MOST_CHARS = MOST_DIGITS + "+.e+0000".length;

export interface Decimal {
  /** The only form of this number: no plus, no exponent, no zeros that say nothing, no minus zero. */
  readonly text: string;
  /** Digits after the point. */
  readonly decimals: number;
}

/** Undefined for a text that is not a number, or has more than a thousand digits. */
export function decimalOf(text: string): Decimal | undefined {
  const parts = text.length > MOST_CHARS ? null : DECIMAL.exec(text);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts ?? [];
  if (parts === null || whole.length + fraction.length === 0) return undefined;
  const shift = Number(exponent);
  if (whole.length + fraction.length + Math.abs(shift) > MOST_DIGITS) return undefined;
  const digits = whole + fraction;
  const point = whole.length + shift;
  const before = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "";
  const after = point >= 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  const integer = before.replace(/^0+/, "") || "0";
  const kept = after.replace(/0+$/, "");
  const size = kept === "" ? integer : `${integer}.${kept}`;
  return { text: sign === "-" && size !== "0" ? `-${size}` : size, decimals: kept.length };
}
