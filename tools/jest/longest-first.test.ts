import { expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import LongestFirst from "./longest-first.cjs";
import measured from "./long-tests.json";

const root = path.resolve(__dirname, "../..");

const testFile = (name: string, size: number) => ({
  path: path.join(root, name),
  context: {
    // Nothing is remembered, as in a fresh clone.
    config: { rootDir: root, cache: false },
    hasteFS: { getSize: () => size },
  },
});

test("without memory, long files start first, then the others by size", () => {
  const sorted = new LongestFirst({}).sort([
    testFile("apps/a/small.test.ts", 100),
    testFile("apps/proof/test/attack/chaos.test.ts", 3_000),
    testFile("apps/a/large.test.ts", 30_000),
    testFile("apps/proof/test/platform/kills.test.ts", 3_000),
  ]);
  expect(sorted.map((file) => path.basename(file.path))).toEqual([
    "kills.test.ts",
    "chaos.test.ts",
    "large.test.ts",
    "small.test.ts",
  ]);
});

test("every file of the list of long tests exists", () => {
  const gone = Object.keys(measured).filter((name) => !existsSync(path.join(root, name)));
  expect(gone).toEqual([]);
});
