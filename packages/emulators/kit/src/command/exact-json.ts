/** A number as it was written. `JSON.stringify` writes it so again (ES2026, not yet in TypeScript's library). */
const rawJson = Reflect.get(JSON, "rawJSON") as (source: string) => unknown;

/**
 * Reads JSON whose numbers go on as they were written, where a double would be another number: an emulator must not
 * hand on 9007199254740993 as its neighbour.
 *
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  const reviver = (_key: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value !== "number" || source === undefined || isExact(value, source)
      ? value
      : rawJson(source);
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as unknown;
}

const isExact = (value: number, source: string): boolean =>
  Number.isSafeInteger(value) || String(value) === source;
