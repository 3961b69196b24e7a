import { expect, test } from "@jest/globals";
import { numberFlag, OptionsError, pathFlag, readFlags } from "./flags";

const flags = { people: { type: "string" }, once: { type: "boolean" } } as const;

test.each([
  [["--peopel", "5"], /--peopel.*Did you mean --people\?/],
  [["--people"], /--people/],
  [["stray"], /stray/],
])("%j is refused in one line", (argv, message) => {
  expect(() => readFlags(argv, flags)).toThrow(OptionsError);
  expect(() => readFlags(argv, flags)).toThrow(message);
});

test("a number lies within its bounds, both ends included", () => {
  const bounds = { least: 2, most: 4 };
  expect([numberFlag("n", "2", bounds), numberFlag("n", "4", bounds)]).toEqual([2, 4]);
  expect(numberFlag("n", "2.5", { ...bounds, whole: false })).toBe(2.5);
  for (const text of ["1", "5", "", "x", "2.5", "0x3"])
    expect(() => numberFlag("n", text, bounds)).toThrow(
      `--n: '${text}' is not a whole number from 2 to 4`,
    );
});

test("a path is resolved from the caller's directory and is not empty", () => {
  expect(pathFlag("data", "d", "/home/someone")).toBe("/home/someone/d");
  expect(() => pathFlag("data", "", "/home/someone")).toThrow("--data: needs a path");
});
