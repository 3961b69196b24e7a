import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readJson } from "./json-text";

describe("readJson", () => {
  test("accepts whatever JSON.stringify makes, and gives the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        // fast-check may make the one key that is refused on purpose.
        fc.pre(!text.includes("__proto__"));
        expect(readJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
      }),
    );
  });

  test("agrees with JSON.parse on damaged text, and never throws", () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 4 }),
        fc.nat(200),
        fc.string({ maxLength: 3 }),
        (text, at, patch) => {
          const damaged = text.slice(0, at) + patch + text.slice(at + 1);
          let valid = true;
          try {
            JSON.parse(damaged);
          } catch {
            valid = false;
          }
          const reading = readJson(damaged);
          if (!valid) expect(reading.ok).toBe(false);
          else if (!reading.ok) expect(reading.flaw.problem).toMatch(/appears twice|__proto__/);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ["", "there is no JSON here", 1, 1],
    ['{\n  "a": 1,\n  b: 2}', "expected a key in double quotes", 3, 3],
    ['{"a": 1,}', "expected a key in double quotes", 1, 9],
    ['{"a" 1}', "expected ':' after the key", 1, 6],
    ['{"a": 01}', "expected ',' or '}'", 1, 8],
    [
      '{"a": "b\n"}',
      "this string is not terminated, or contains a control character or an unknown escape",
      1,
      7,
    ],
    ["[1, 2", "expected ',' or ']'", 1, 6],
    ["{} {}", "something follows the end of the document", 1, 4],
    ["NaN", "expected a value", 1, 1],
    ['{"a": 1, "\\u0061": 2}', "the key 'a' appears twice", 1, 10],
    ['{"__proto__": {"admin": true}}', "the key '__proto__' is not allowed", 1, 2],
    ['{"x": {"\\u005f_proto__": 1}}', "the key '__proto__' is not allowed", 1, 8],
  ])("finds the flaw of %j", (text, problem, line, column) => {
    expect(readJson(text)).toEqual({ ok: false, flaw: { problem, line, column } });
  });

  test("stops at the depth limit, however deep the text goes on", () => {
    expect(readJson("[".repeat(32) + "]".repeat(32)).ok).toBe(true);
    expect(readJson("[".repeat(200_000))).toMatchObject({
      ok: false,
      flaw: { problem: "nested more than 32 levels deep" },
    });
  });

  test("reads a string of a million characters", () => {
    expect(readJson(JSON.stringify("x".repeat(1_000_000))).ok).toBe(true);
  });
});
