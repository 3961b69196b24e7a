/**
 * Dates and times. A database reads many texts as a time (`now`, `31/01/2026`, `24:00`) and drops what the column does
 * not keep: the zone, the time of a date, digits of a second. Only ISO 8601 that the column keeps whole passes.
 */
import type { TargetValue } from "@postern/contracts";
import type { Column } from "../engine/engine";
import { bound, type Bound, rejected } from "./bound";
import { withoutEnd } from "./without-end";

const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.(\d+))?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;
const MIDNIGHT = /^00:00(:00(\.0+)?)?$/;
const UTC = /^(Z|[+-]00(:?00)?)$/;

export function bindTime(column: Column, value: Exclude<TargetValue, null>): Bound {
  const parts = typeof value === "string" ? ISO.exec(value) : null;
  if (parts === null) return rejected("the value is not a date or time of ISO 8601");
  const [text, date = "", time, fraction = "", zone] = parts;
  if (column.kind === "date") {
    const whole =
      time === undefined || (MIDNIGHT.test(time) && (zone === undefined || UTC.test(zone)));
    return whole
      ? bound(date)
      : rejected("the text has a time of day, and the column keeps only a date");
  }
  const digits = withoutEnd(fraction, "0").length;
  const { decimals: kept = Infinity, zoned } = column;
  if (digits > kept) {
    return rejected(`the second has ${digits} decimals, and the column keeps ${kept}`);
  }
  if (zoned === true && zone === undefined) {
    return rejected("the text has no time zone, and the column keeps instants: end it with Z");
  }
  if (zoned === false && zone !== undefined && !UTC.test(zone)) {
    return rejected("the text has a time zone other than UTC, which the column does not keep");
  }
  return bound(text);
}
