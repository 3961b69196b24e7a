import { expect, test } from "@jest/globals";
import { RecentlyUsed } from "./recently-used";

test("makes a value once, and again after it was dropped", () => {
  const values = new RecentlyUsed<{ made: number }>(2);
  let made = 0;
  const get = (key: string) => values.get(key, () => ({ made: (made += 1) })).made;
  expect([get("a"), get("b"), get("a")]).toEqual([1, 2, 1]);
  // The least recently used is dropped, not the oldest.
  expect([get("c"), get("a"), get("b")]).toEqual([3, 1, 4]);
  values.delete("a");
  expect(get("a")).toBe(5);
  values.clear();
  expect([get("a"), get("b")]).toEqual([6, 7]);
});

test("keeps nothing when a value cannot be made", () => {
  const values = new RecentlyUsed<object>(2);
  const refuse = (): never => {
    throw new Error("refused");
  };
  expect(() => values.get("a", refuse)).toThrow("refused");
  const made = {};
  expect(values.get("a", () => made)).toBe(made);
});
