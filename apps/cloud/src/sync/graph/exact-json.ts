/**
 * JSON whose numbers are exact. `JSON.parse` turns 9007199254740993 into its neighbour and 1e400 into infinity, without
 * a word; such a number becomes the text of its digits. A column takes the text as the number that it is, and an
 * expression that would calculate with it fails by name, for that object alone.
 */
import { decimalOf } from "@postern/contracts";

/** Most pages have no such number, also not within a text, and a reviver would be called for every value. */
const SUSPECT = /\d{16}|\d[\d.]{16}|[\d.][eE][+-]?\d|-0/;

/** @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  return SUSPECT.test(text)
    ? (JSON.parse(text, exactValue as (key: string, value: unknown) => unknown) as unknown)
    : (JSON.parse(text) as unknown);
}

/** Node gives the source of each primitive value (ES2026); TypeScript's library does not know that yet. */
function exactValue(
  _key: string,
  value: unknown,
  { source }: { readonly source?: string },
): unknown {
  if (typeof value !== "number" || source === undefined) return value;
  const exact = decimalOf(source)?.text ?? source;
  const isKept =
    Number.isFinite(value) &&
    decimalOf(String(value))?.text === exact &&
    (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (!isKept) return exact;
  return value === 0 ? 0 : value;
}
