import { expect, test } from "@jest/globals";
import { z } from "zod";
import { fieldProblems, problemText } from "./field-problems";

const schema = z.strictObject({
  name: z.string(),
  list: z.array(z.strictObject({ size: z.int().min(1) })),
  either: z.union([
    z.string(),
    z.strictObject({ from: z.string(), type: z.enum(["text", "integer"]) }),
  ]),
});
const problemsOf = (value: unknown) => {
  const { error } = schema.safeParse(value);
  return error ? fieldProblems(error, ["name", "list", "either", "size"]) : [];
};

test("every problem is named at once, each with its field", () => {
  const found = problemsOf({ list: [{ size: 1 }, { size: 0 }], either: "x", nmae: "y" });
  expect(found.map(({ field }) => field).toSorted()).toEqual([
    "$.list[1].size",
    "$.name",
    "$.nmae",
  ]);
  expect(problemText(found)).toContain("$.nmae: unknown key (did you mean 'name'?)");
});

test("of a union, the branch that came furthest says what is wrong", () => {
  const found = problemsOf({ name: "a", list: [], either: { from: "x", type: "bool" } });
  expect(found.map(({ field }) => field)).toEqual(["$.either.type"]);
});

test("of a union that nothing fits, every type that would is named", () => {
  expect(problemsOf({ name: "a", list: [], either: 7 })).toEqual([
    { field: "$.either", problem: "expected string or object" },
  ]);
});

test("a key that may not be one says why, and is not repeated at full length", () => {
  const key = z.string().regex(/^[a-z]+$/, { error: "must be lower-case letters" });
  const { error } = z.record(key, z.string()).safeParse({ ["A".repeat(10_000)]: "x" });
  const [problem] = error ? fieldProblems(error) : [];
  expect(problem?.problem).toBe("must be lower-case letters");
  expect(problem?.field.length).toBe(300);
});

test("a document of another kind is named as a whole", () => {
  expect(problemsOf("text").map(({ field }) => field)).toEqual(["$"]);
});

test("a document with countless problems is answered with a bounded list", () => {
  const list = Array.from({ length: 500 }, () => ({ size: 0 }));
  expect(problemsOf({ name: "a", list, either: "x" }).length).toBe(50);
});

test("countless unknown keys are cut before anybody looks for what they were meant to be", () => {
  const keys = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, 1]));
  const { error } = schema.safeParse({ name: "a", list: [], either: "x", ...keys });
  let compared = 0;
  const known = new Proxy(["name"], {
    get: (target, property, receiver): unknown => {
      if (property === "0") compared += 1;
      return Reflect.get(target, property, receiver);
    },
  });
  expect(error === undefined ? [] : fieldProblems(error, known)).toHaveLength(50);
  expect(compared).toBe(50);
});

test("a document cannot reach the prototype of objects", () => {
  const hostile: unknown = JSON.parse(
    '{"name":"a","list":[],"either":"x","__proto__":{"polluted":true}}',
  );
  expect(problemsOf(hostile).length).toBeLessThanOrEqual(1);
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});
