import { expect, test } from "@jest/globals";
import { duration } from "./time";

test("a duration never shows 60 of a unit or 1,000 ms", () => {
  const given = [999, 999.6, 59_949, 59_960, 119_499, 119_700, 3_599_700, 7_260_000];
  expect(given.map(duration)).toEqual([
    ...["999 ms", "1.0 s", "59.9 s", "1 min 0 s"],
    ...["1 min 59 s", "2 min 0 s", "1 h 0 min", "2 h 1 min"],
  ]);
});
