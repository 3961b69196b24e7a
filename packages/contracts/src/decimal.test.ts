import { describe, expect, test } from "@jest/globals";
import { decimalOf } from "./decimal";

describe("a decimal number", () => {
  test.each([
    ["007", "7", 0],
    ["+1.50", "1.5", 1],
    ["-0.0", "0", 0],
    [".5", "0.5", 1],
    ["5.", "5", 0],
    ["1.25e1", "12.5", 1],
    ["125e-3", "0.125", 3],
    ["1e21", "1000000000000000000000", 0],
    ["9007199254740993", "9007199254740993", 0],
  ])("%s has one form", (text, form, decimals) => {
    expect(decimalOf(text)).toEqual({ text: form, decimals });
  });

  test.each([
    "",
    ".",
    "-",
    "1e",
    "0x1",
    "NaN",
    "Infinity",
    "1 ",
    "1,5",
    "1e9999",
    "9".repeat(1_001),
  ])("%j is none", (text) => expect(decimalOf(text)).toBeUndefined());

  test.each([
    Number.MIN_VALUE,
    Number.MAX_VALUE,
    Number.EPSILON,
    -1e-7,
    1e21,
    0.1 + 0.2,
    -123_456.789,
    2 ** -1_022,
  ])("keeps the value of the double %d", (value) => {
    expect(Number(decimalOf(String(value))?.text)).toBe(value);
  });
});

test("a text of a million digits that is no number is refused without a search", () => {
  expect(decimalOf(`${"1".repeat(1_000_000)}x`)).toBeUndefined();
  const longest = `-${"1".repeat(500)}.${"1".repeat(499)}e+0001`;
  expect(decimalOf(longest)?.decimals).toBe(498);
});
