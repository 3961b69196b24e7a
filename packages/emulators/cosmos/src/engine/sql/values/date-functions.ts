import type { Value } from "../../model/json";
import type { SqlFunction } from "./sql-function";

/** Ticks (100 ns) between the year 1 and the Unix epoch. */
const EPOCH_TICKS = 621_355_968_000_000_000;

const UNIT_MS: Record<string, number> = {
  day: 86_400_000,
  dd: 86_400_000,
  d: 86_400_000,
  hour: 3_600_000,
  hh: 3_600_000,
  minute: 60_000,
  mi: 60_000,
  n: 60_000,
  second: 1000,
  ss: 1000,
  s: 1000,
  millisecond: 1,
  ms: 1,
};

/** The service writes seven decimals: `2026-01-02T03:04:05.6780000Z`. */
function text(ms: number): Value {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().replace("Z", "0000Z");
}

function parse(value: Value): number | undefined {
  if (typeof value !== "string") return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function add([unit, count, date]: readonly Value[]): Value {
  const ms = parse(date);
  if (typeof unit !== "string" || typeof count !== "number" || ms === undefined) return undefined;
  const moved = new Date(ms);
  switch (unit.toLowerCase()) {
    case "year":
    case "yyyy":
    case "yy":
      moved.setUTCFullYear(moved.getUTCFullYear() + count);
      return text(moved.getTime());
    case "month":
    case "mm":
    case "m":
      moved.setUTCMonth(moved.getUTCMonth() + count);
      return text(moved.getTime());
    default: {
      const unitMs = UNIT_MS[unit.toLowerCase()];
      return unitMs === undefined ? undefined : text(ms + count * unitMs);
    }
  }
}

function difference([unit, from, to]: readonly Value[]): Value {
  const [start, end] = [parse(from), parse(to)];
  if (typeof unit !== "string" || start === undefined || end === undefined) return undefined;
  const [first, last] = [new Date(start), new Date(end)];
  const years = last.getUTCFullYear() - first.getUTCFullYear();
  switch (unit.toLowerCase()) {
    case "year":
    case "yyyy":
    case "yy":
      return years;
    case "month":
    case "mm":
    case "m":
      return years * 12 + last.getUTCMonth() - first.getUTCMonth();
    default: {
      const unitMs = UNIT_MS[unit.toLowerCase()];
      if (unitMs === undefined) return undefined;
      return Math.floor(end / unitMs) - Math.floor(start / unitMs);
    }
  }
}

const none = (call: () => Value): SqlFunction => ({ minimum: 0, maximum: 0, call });
const one = (call: (value: Value) => Value): SqlFunction => ({
  minimum: 1,
  maximum: 1,
  call: ([value]) => call(value),
});

export const DATE_FUNCTIONS: Record<string, SqlFunction> = {
  GETCURRENTDATETIME: none(() => text(Date.now())),
  GETCURRENTTIMESTAMP: none(() => Date.now()),
  GETCURRENTTICKS: none(() => Date.now() * 10_000 + EPOCH_TICKS),
  DATETIMEADD: { minimum: 3, maximum: 3, call: add },
  DATETIMEDIFF: { minimum: 3, maximum: 3, call: difference },
  DATETIMETOTIMESTAMP: one((value) => parse(value)),
  TIMESTAMPTODATETIME: one((value) => (typeof value === "number" ? text(value) : undefined)),
};
