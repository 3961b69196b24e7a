import { expect, test } from "@jest/globals";
import { contentHash } from "./content-hash";

const item = {
  desired: "present",
  object: "people",
  key: { id: "1" },
  values: { a: "x", b: null },
} as const;

test("the hash does not depend on the order of columns", () => {
  expect(contentHash({ ...item, values: { b: null, a: "x" } })).toBe(contentHash(item));
});

test("the hash tells apart whatever a target could store differently", () => {
  const others = [
    { ...item, desired: "absent" as const },
    { ...item, object: "persons" },
    { ...item, key: { id: 1 } },
    { ...item, values: { a: "x" } },
    { ...item, values: { a: "x", b: "" } },
    { ...item, values: { a: "x", b: "null" } },
    { ...item, values: { a: "x", b: false } },
    { ...item, values: { a: "x", b: 0 } },
    { ...item, key: { id: "1", a: "x" }, values: { b: null } },
    { ...item, values: { a: "x\u0301", b: null } },
  ];
  expect(new Set([item, ...others].map(contentHash)).size).toBe(others.length + 1);
});

test("the hash never changes: this one is pinned, since ledgers hold it", () => {
  expect(contentHash(item)).toMatchInlineSnapshot(
    `"aa38931021d8d40695ce00ace5d8721c4faceed5865d4dd372d7b9a78b40f23a"`,
  );
});
