import { expect, test } from "@jest/globals";
import { duration, relative } from "./time";
import { cut, pad, widthOf, wrapped } from "./text";

test("widths count cells, not code units", () => {
  expect(["abc", "Zoë", "日本", "👩‍👩‍👧", ""].map(widthOf)).toEqual([3, 3, 4, 2, 0]);
  expect(pad("日本", 6)).toBe("日本  ");
  expect(pad("7", 3, "right")).toBe("  7");
});

test("cutting never splits a character and never exceeds the width", () => {
  expect(cut("department", 6)).toBe("depar…");
  expect(cut("日本語", 4)).toBe("日…");
  expect(cut("a 👩‍👩‍👧 family", 4)).toBe("a…");
  expect(cut("short", 5)).toBe("short");
  for (let width = 0; width < 12; width += 1) {
    expect(widthOf(cut("aé日本👩‍👩‍👧 end", width))).toBeLessThanOrEqual(width);
  }
});

test("times are short and relative", () => {
  const now = Date.parse("2026-11-21T09:00:00.000Z");
  const at = (seconds: number): string => new Date(now + seconds * 1_000).toISOString();
  expect([-1, -45, -90, -7_200, -300_000, 30].map((ago) => relative(at(ago), now))).toEqual([
    "just now",
    "45 s ago",
    "2 min ago",
    "2 h ago",
    "3 d ago",
    "in 30 s",
  ]);
  expect(relative(null, now)).toBe("–");
  expect([850, 12_340, 245_000, 7_260_000].map(duration)).toEqual([
    "850 ms",
    "12.3 s",
    "4 min 5 s",
    "2 h 1 min",
  ]);
});

test("text wraps between words, and long words stay whole", () => {
  expect(wrapped("a bb ccc dddd", 6)).toEqual(["a bb", "ccc", "dddd"]);
  expect(wrapped("abcdefgh ij", 4)).toEqual(["abcdefgh", "ij"]);
  expect(wrapped("", 4)).toEqual([""]);
});
