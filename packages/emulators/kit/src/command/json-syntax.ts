/*
 * Finds where a text stops being JSON. JSON.parse does not always report it, and a person with a file of a million
 * lines needs to know. Finds the first error only; reading is left to JSON.parse.
 */

export interface SyntaxPlace {
  readonly line: number;
  readonly column: number;
}

const token =
  /[ \t\n\r]*(?:("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/y;

/** A longer run of blanks before an error is not skipped, which bounds the copy. */
const MAX_BLANK_CHARS = 10_000;

type Expected = "value" | "value-or-end" | "name" | "name-or-end" | "colon" | "comma-or-end";

/** Offset of the first error; undefined if the text is JSON. */
export function syntaxErrorOffset(text: string): number | undefined {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let finished = false;
  token.lastIndex = 0;
  for (;;) {
    const start = token.lastIndex;
    const match = token.exec(text);
    const offset =
      start + (/^[ \t\n\r]*/.exec(text.slice(start, start + MAX_BLANK_CHARS))?.[0].length ?? 0);
    if (match === null) return finished && offset >= text.length ? undefined : offset;
    if (finished) return offset;
    const [, string, scalar, symbol] = match;
    const inObject = open.at(-1) === "{";
    if (string !== undefined && (expected === "name" || expected === "name-or-end")) {
      expected = "colon";
      continue;
    }
    if (symbol === ":" && expected === "colon") {
      expected = "value";
      continue;
    }
    if (symbol === "," && expected === "comma-or-end") {
      expected = inObject ? "name" : "value";
      continue;
    }
    const wantsValue = expected === "value" || expected === "value-or-end";
    if ((symbol === "{" || symbol === "[") && wantsValue) {
      open.push(symbol);
      expected = symbol === "{" ? "name-or-end" : "value-or-end";
      continue;
    }
    const closes =
      (symbol === "}" && inObject && (expected === "name-or-end" || expected === "comma-or-end")) ||
      (symbol === "]" &&
        open.at(-1) === "[" &&
        (expected === "value-or-end" || expected === "comma-or-end"));
    if (closes) open.pop();
    else if (!((string !== undefined || scalar !== undefined) && wantsValue)) return offset;
    expected = "comma-or-end";
    finished = open.length === 0;
  }
}

export function placeOf(text: string, offset: number): SyntaxPlace {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: before.length - before.lastIndexOf("\n") };
}
