import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { isObject, type Json, type JsonObject } from "../../model/json";
import { valueAtPath } from "../../model/partition-key";
import { compileQuery } from "./compile-query";
import { parseQueryText } from "../syntax/query-parser";
import { restrictionsOf } from "./restriction";
import { forEachRow } from "../run/run-nested";
import { textFilterOf } from "./text-filter";
import { valuesEqual } from "../values/values";

const names = ["a", "b", "id", 'quo"te', "back\\slash", "näme", ""];
const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    "",
    "x",
    "é",
    '"',
    "\\",
    "\u2028",
    0,
    -0,
    1,
    10,
    1.5,
    1e21,
  ),
  fc.string({ maxLength: 3 }),
  fc.integer({ min: -3, max: 12 }),
);
const name = fc.constantFrom(...names);
const document: fc.Arbitrary<JsonObject> = fc.dictionary(
  name,
  fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(name, scalar, { maxKeys: 3 })),
  { maxKeys: 5 },
);

/** A condition as text; its values are parameters, so that any value can be written. */
interface Condition {
  readonly text: (parameters: Json[]) => string;
}

const place = fc
  .array(name, { minLength: 1, maxLength: 2 })
  .map((path) => `c${path.map((part) => `[${JSON.stringify(part)}]`).join("")}`);

const parameter = (parameters: Json[], value: Json): string => `@p${parameters.push(value) - 1}`;

const simple: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .tuple(place, scalar)
    .map(([at, value]) => ({ text: (ps: Json[]) => `${at} = ${parameter(ps, value)}` })),
  fc
    .tuple(place, scalar)
    .map(([at, value]) => ({ text: (ps: Json[]) => `${parameter(ps, value)} = ${at}` })),
  fc
    .tuple(place, scalar)
    .map(([at, value]) => ({ text: (ps: Json[]) => `${at} != ${parameter(ps, value)}` })),
  fc.tuple(place, fc.array(scalar, { minLength: 1, maxLength: 4 })).map(([at, values]) => ({
    text: (ps: Json[]) => `${at} IN (${values.map((value) => parameter(ps, value)).join(", ")})`,
  })),
  fc.tuple(place, fc.array(scalar, { maxLength: 4 })).map(([at, values]) => ({
    text: (ps: Json[]) => `ARRAY_CONTAINS(${parameter(ps, values)}, ${at})`,
  })),
  fc.tuple(place, scalar).map(([at, value]) => ({
    text: (ps: Json[]) => `ARRAY_CONTAINS(${at}, ${parameter(ps, value)})`,
  })),
  place.map((at) => ({ text: () => `IS_DEFINED(${at})` })),
);

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    simple,
    fc
      .tuple(tie("condition"), tie("condition"), fc.constantFrom("AND", "OR"))
      .map(([left, right, word]) => ({
        text: (ps: Json[]) => `(${left.text(ps)} ${word} ${right.text(ps)})`,
      })),
    tie("condition").map((inner) => ({ text: (ps: Json[]) => `NOT (${inner.text(ps)})` })),
  ),
}));

test("a document that meets WHERE passes the text filter and every restriction", () => {
  let met = 0;
  fc.assert(
    fc.property(
      condition,
      fc.array(document, { minLength: 1, maxLength: 10 }),
      (where, documents) => {
        const values: Json[] = [];
        const text = `SELECT * FROM c WHERE ${where.text(values)}`;
        const parameters = new Map(values.map((value, index) => [`@p${index}`, value]));
        const query = parseQueryText(text);
        const compiled = compileQuery(query, text, parameters);
        const filter = textFilterOf(query, compiled.scope);
        const restrictions = restrictionsOf(query, compiled.scope);
        for (const each of documents) {
          const json = JSON.stringify(each);
          const value = JSON.parse(json) as Json;
          if (!isObject(value)) continue;
          forEachRow(compiled, { row: { value: () => value }, slots: [] }, () => {
            met += 1;
            expect(filter?.(json) ?? true).toBe(true);
            for (const [path, allowed] of restrictions) {
              const found = valueAtPath(value, JSON.parse(path) as string[]);
              expect(allowed.some((one) => valuesEqual(one, found))).toBe(true);
            }
            return true;
          });
        }
      },
    ),
    { numRuns: 3000 },
  );
  expect(met).toBeGreaterThan(100);
});
