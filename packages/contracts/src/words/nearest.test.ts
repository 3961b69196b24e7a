import { expect, test } from "@jest/globals";
import { nearest } from "./nearest";

const known = ["columns", "key", "object", "scope", "target"];

test.each([
  ["colums", "columns"],
  ["Columns", "columns"],
  ["tagret", "target"],
  ["ky", "key"],
  ["scopes", "scope"],
])("'%s' was meant to be '%s'", (word, expected) => {
  expect(nearest(word, known)).toBe(expected);
});

test("nothing is suggested for what is like nothing known", () => {
  expect(nearest("attributeMappings", known)).toBeUndefined();
  expect(nearest("x", [])).toBeUndefined();
});

test("a very long word is answered, too", () => {
  expect(nearest("k".repeat(1_000_000), known)).toBeUndefined();
});
