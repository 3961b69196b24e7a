import { describe, expect, test } from "@jest/globals";
import { decimalOf } from "@postern/contracts";
import fc from "fast-check";
import { parseExactJson } from "./exact-json";

describe("JSON with exact numbers", () => {
  test.each([
    ["9007199254740993", "9007199254740993"],
    ["-9007199254740993", "-9007199254740993"],
    ["9007199254740992", "9007199254740992"],
    ["9007199254740991", 9_007_199_254_740_991],
    ["0.1", 0.1],
    ["1.10", 1.1],
    ["0.10000000000000000001", "0.10000000000000000001"],
    ["1e3", 1_000],
    ["1e21", "1000000000000000000000"],
    ["5e-324", 5e-324],
    ["1e-400", `0.${"0".repeat(399)}1`],
    ["1e400", `1${"0".repeat(400)}`],
    ["1e99999", "1e99999"],
    ["-0", 0],
    ["-0.0", 0],
  ])("%s is %j", (source, value) => {
    expect(parseExactJson(`{"a":[${source}]}`)).toEqual({ a: [value] });
  });

  test("leaves digits within texts alone", () => {
    const text = `{"employeeId":"9007199254740993","note":"1e400 and -0","a":1}`;
    expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });

  test("means the number that is written, whatever its form", () => {
    const digits = fc.string({
      unit: fc.constantFrom(..."0123456789"),
      minLength: 1,
      maxLength: 25,
    });
    const literal = fc
      .tuple(
        fc.boolean(),
        fc.bigInt({ min: 0n, max: 10n ** 25n }),
        fc.option(digits),
        fc.option(fc.integer({ min: -30, max: 30 })),
      )
      .map(
        ([negative, whole, fraction, exponent]) =>
          `${negative ? "-" : ""}${whole}${fraction === null ? "" : `.${fraction}`}${exponent === null ? "" : `e${exponent}`}`,
      );
    fc.assert(
      fc.property(literal, (source) => {
        const { a } = parseExactJson(`{"a":${source}}`) as { a: string | number };
        expect(decimalOf(String(a))?.text).toBe(decimalOf(source)?.text);
      }),
    );
  });

  test("keeps the value of every double", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(parseExactJson(JSON.stringify(value)))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  test("refuses what is not JSON", () => {
    expect(() => parseExactJson("[1e400")).toThrow(SyntaxError);
  });
});
