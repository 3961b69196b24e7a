import type { SqlFunction } from "./sql-function";

const one = (call: (value: number) => number): SqlFunction => ({
  minimum: 1,
  maximum: 1,
  call: ([value]) => {
    if (typeof value !== "number") return undefined;
    const result = call(value);
    return Number.isFinite(result) ? result : undefined;
  },
});

/** Rounds halves away from zero, as the service does; JavaScript rounds them up. */
function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

export const MATH_FUNCTIONS: Record<string, SqlFunction> = {
  ABS: one(Math.abs),
  ACOS: one(Math.acos),
  ASIN: one(Math.asin),
  ATAN: one(Math.atan),
  CEILING: one(Math.ceil),
  COS: one(Math.cos),
  DEGREES: one((value) => (value * 180) / Math.PI),
  EXP: one(Math.exp),
  FLOOR: one(Math.floor),
  LOG: {
    minimum: 1,
    maximum: 2,
    call: ([value, base]) => {
      if (typeof value !== "number") return undefined;
      const result = typeof base === "number" ? Math.log(value) / Math.log(base) : Math.log(value);
      return Number.isFinite(result) ? result : undefined;
    },
  },
  LOG10: one(Math.log10),
  PI: { minimum: 0, maximum: 0, call: () => Math.PI },
  POWER: {
    minimum: 2,
    maximum: 2,
    call: ([value, exponent]) =>
      typeof value === "number" && typeof exponent === "number" ? value ** exponent : undefined,
  },
  RADIANS: one((value) => (value * Math.PI) / 180),
  RAND: { minimum: 0, maximum: 0, call: () => Math.random() },
  ROUND: one(roundHalfAway),
  SIGN: one(Math.sign),
  SIN: one(Math.sin),
  SQRT: one(Math.sqrt),
  SQUARE: one((value) => value * value),
  TAN: one(Math.tan),
  TRUNC: one(Math.trunc),
};
