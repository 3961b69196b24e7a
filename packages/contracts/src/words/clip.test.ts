import { expect, test } from "@jest/globals";
import { clip } from "./clip";

test("a text within the limit stays as it is", () => {
  expect(clip("", 0)).toBe("");
  expect(clip("abc", 3)).toBe("abc");
  expect(clip("abc", 3, "…")).toBe("abc");
  expect(clip("a😀", 3)).toBe("a😀");
});

test("a longer text is cut to the limit", () => {
  expect(clip("abcd", 3)).toBe("abc");
  expect(clip("abcd", 0)).toBe("");
});

test("a surrogate pair is kept whole or left out", () => {
  expect(clip("a😀b", 2)).toBe("a");
  expect(clip("a😀b", 3)).toBe("a😀");
  expect(clip("😀", 1)).toBe("");
});

test("a lone surrogate is a character like any other", () => {
  expect(clip("\ud83dab", 1)).toBe("\ud83d");
  expect(clip("a\ude00b", 2)).toBe("a\ude00");
});

test("the ending counts towards the limit", () => {
  expect(clip("abcd", 3, "…")).toBe("ab…");
  expect(clip("a😀bc", 3, "…")).toBe("a…");
  expect(clip("abcd", 1, "…")).toBe("…");
});
