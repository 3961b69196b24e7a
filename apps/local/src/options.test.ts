import { expect, test } from "@jest/globals";
import { OptionsError } from "./flags";
import { parseOptions, parseTarget } from "./options";

test("relative paths are taken from the caller's directory", () => {
  expect(
    parseOptions(
      ["--once", "--data", "d", "--tenant", "/abs/t.json", "--target", "sqlite:x y.db"],
      "/home/someone",
    ),
  ).toEqual({
    once: true,
    json: false,
    tenant: "/abs/t.json",
    people: undefined,
    data: "/home/someone/d",
    target: { url: "sqlite:/home/someone/x y.db", shown: "sqlite:/home/someone/x y.db" },
    definition: undefined,
  });
});

test("a password in a target URL is used but never shown", () => {
  const target = parseTarget("postgres://app:hush@db.example:5432/hr", "/");
  expect(target.url).toContain("hush");
  expect(target.shown).toBe("postgres://app:redacted@db.example:5432/hr");
});

test.each([
  ["--peple"],
  ["--json=maybe"],
  ["stray"],
  ["--data", ""],
  ["--people", "1.5"],
  ["--people", "999999999"],
])("%s is refused", (...argv) => {
  expect(() => parseOptions(argv, "/")).toThrow(OptionsError);
});
