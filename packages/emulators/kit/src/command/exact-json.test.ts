import { expect, test } from "@jest/globals";
import { parseExactJson } from "./exact-json";

test("a number that a double does not hold is written as it was read", () => {
  const text = '{"a":9007199254740993,"b":[1e400,0.10000000000000000001],"c":"9007199254740993"}';
  expect(JSON.stringify(parseExactJson(text))).toBe(text);
  expect(JSON.stringify(parseExactJson(JSON.stringify(parseExactJson(text))))).toBe(text);
});

test("all other values are what JSON.parse makes of them", () => {
  const text = '{"a":[1,-2.5,true,null,"x",1.0,{}]}';
  expect(parseExactJson(text)).toEqual(JSON.parse(text));
});
