import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { placeOf, syntaxErrorOffset } from "./json-syntax";

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("an error is found exactly when JSON.parse refuses", () => {
  const damaged = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", ",", "}", "]", ":", '"', "\\", "x", "{", "[", "1", " ", "\n", "-"),
    )
    .map(([text, at, change]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + change + text.slice(index + (at % 2));
    });
  fc.assert(
    fc.property(damaged, (text) =>
      expect(syntaxErrorOffset(text) === undefined).toBe(parses(text)),
    ),
    { numRuns: 3000 },
  );
});

test.each([
  ['{\n "a": [1,\n  2,]\n}', 3, 5],
  ['{"a" 1}', 1, 6],
  ['{"a": 1', 1, 8],
  ["", 1, 1],
  ["{}\n{}", 2, 1],
  ['["\t"]', 1, 2],
  ["[01]", 1, 3],
])("the first error of %j is at line %i, column %i", (text, line, column) => {
  expect(placeOf(text, syntaxErrorOffset(text) ?? -1)).toEqual({ line, column });
});
