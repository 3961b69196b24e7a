import { expect, test } from "@jest/globals";
import { withoutEnd } from "./without-end";

test.each([
  ["Ann  ", " ", "Ann"],
  ["  ", " ", ""],
  ["", " ", ""],
  [" Ann", " ", " Ann"],
  ["1200", "0", "12"],
])("%j without %j at its end is %j", (text, character, expected) => {
  expect(withoutEnd(text, character)).toBe(expected);
});

test("a run that does not stand at the end costs nothing", () => {
  const text = `${" ".repeat(1_000_000)}x`;
  expect(withoutEnd(text, " ")).toBe(text);
});
