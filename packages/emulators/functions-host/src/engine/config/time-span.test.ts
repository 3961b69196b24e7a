import { expect, test } from "@jest/globals";
import { parseTimeSpan } from "./time-span";

test.each([
  ["00:05:00", 300_000],
  ["00:00:00.25", 250],
  ["1.02:03:04", 93_784_000],
  ["02:30", 9_000_000],
  ["-00:00:01", -1000],
])("%s is %i ms", (text, ms) => {
  expect(parseTimeSpan(text)).toBe(ms);
});

test.each(["", "5", "24:00:00", "00:60:00", "00:00:60", "1:2:3:4", "soon"])(
  "%j is not a time span",
  (text) => {
    expect(parseTimeSpan(text)).toBeUndefined();
  },
);
