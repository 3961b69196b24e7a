import { describe, expect, test } from "@jest/globals";
import type { DefinitionId, IndexEntry } from "@postern/contracts";
import fc from "fast-check";
import { collectTouches, mergeObject } from "./index-merge";
import type { SourceChange } from "../../ports/source";

const definition = "directory" as DefinitionId;

function fold(
  changes: readonly SourceChange[],
  before?: IndexEntry,
  context: { version?: number; generation?: number } = {},
): IndexEntry {
  const [touch] = collectTouches(changes).objects.values();
  if (touch === undefined) throw new Error("nothing is touched");
  return mergeObject(before, touch, { definition, version: 1, generation: 1, ...context });
}

const user = (properties: Record<string, unknown>): SourceChange => ({
  type: "user",
  id: "u1",
  properties,
});

describe("merging", () => {
  test("a property that is left out stays, null clears it", () => {
    const first = fold([user({ displayName: "Ada", mail: "a@x" })]);
    expect(fold([user({ mail: null })], first).source).toEqual({ displayName: "Ada", mail: null });
  });

  test("parts of one object in any order, any number of times, give the same entry", () => {
    const parts = fc
      .record({ a: fc.string(), b: fc.option(fc.string()), manager: fc.option(fc.string()) })
      .map(({ a, b, manager }): SourceChange[] => [
        user({ a }),
        user({ b }),
        {
          ...user({}),
          manager: manager === null ? { cleared: ["old"] } : { set: manager, cleared: ["old"] },
        },
      ]);
    const before = fold([{ ...user({ a: "0" }), manager: { set: "old", cleared: [] } }]);
    fc.assert(
      fc.property(
        parts.chain((all) =>
          fc.tuple(fc.constant(all), fc.array(fc.constantFrom(...all), { maxLength: 6 })),
        ),
        fc.nat(),
        ([all, repeated], seed) => {
          const shuffled = [...repeated, ...all].toSorted((x, y) => rank(x, seed) - rank(y, seed));
          expect(fold(shuffled, before)).toEqual(fold(all, before));
        },
      ),
    );
  });

  test("a reference that is gone does not clear the one that has taken its place", () => {
    const before = fold([{ ...user({}), manager: { set: "b", cleared: [] } }]);
    const after = fold([{ ...user({}), manager: { cleared: ["a"] } }], before);
    expect(after.source["manager"]).toEqual({ id: "b" });
  });

  test("removed and back: the reason goes, the properties known before are there", () => {
    const before = fold([user({ mail: "a@x" })]);
    const gone = fold([{ ...user({}), removed: "changed" }], before);
    expect(gone).toMatchObject({ exists: false, removed: "changed" });
    const back = fold([user({ displayName: "Ada" })], gone);
    expect(back).toMatchObject({ exists: true, source: { mail: "a@x", displayName: "Ada" } });
    expect(back.removed).toBeUndefined();
  });
});

describe("an enumeration from scratch", () => {
  const before = fold([user({ displayName: "Ada", mail: "a@x", phone: "1" })]);

  test("remembers what it has not shown yet, part by part", () => {
    const first = fold([user({ displayName: "Ada" })], before, { generation: 2 });
    expect(first.unseen).toEqual(["mail", "phone"]);
    expect(first.source).toEqual({ displayName: "Ada", mail: "a@x", phone: "1" });
    const second = fold([user({ phone: "2" })], first, { generation: 2 });
    expect(second.unseen).toEqual(["mail"]);
  });

  test("clears at its end what it has never shown", () => {
    const seen = fold([user({ displayName: "Ada", phone: "2" })], before, { generation: 2 });
    const [touch] = collectTouches([], { gone: [], partial: [seen] }).objects.values();
    if (touch === undefined) throw new Error("nothing is touched");
    const swept = mergeObject(seen, touch, { definition, version: 3, generation: 2 });
    expect(swept.source).toEqual({ displayName: "Ada", phone: "2" });
    expect(swept.unseen).toBeUndefined();
    expect(swept.exists).toBe(true);
  });

  test("a generation never falls", () => {
    const seen = fold([user({})], before, { generation: 5 });
    expect(fold([user({})], seen, { generation: 4 }).generation).toBe(5);
  });
});

function rank(change: SourceChange, seed: number): number {
  const name = Object.keys(change.properties)[0] ?? "manager";
  return ((name.charCodeAt(0) + 1) * (seed + 7)) % 101;
}
