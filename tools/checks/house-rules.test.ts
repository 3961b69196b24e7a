import { describe, expect, test } from "@jest/globals";
import { circles } from "./circles";
import {
  bareCuts,
  folderCircles,
  fullFolders,
  houseRules,
  strangePhrases,
  strayDocComments,
  unknownThrows,
  wideComments,
} from "./house-rules";
import type { Finding, SourceFile } from "./source-files";

const source = (file: string, text = ""): SourceFile => ({ file, text });
const places = (findings: readonly Finding[]): string[] =>
  findings.map(({ file, line }) => (line === undefined ? file : `${file}:${line}`));

const thirteen = Array.from({ length: 13 }, (_, n) => source(`apps/a/src/jobs/file-${n}.ts`));

describe("a folder", () => {
  test("holds up to 13 source files; tests and folders within do not count", () => {
    const beside = [
      source("apps/a/src/jobs/file-1.test.ts"),
      source("apps/a/src/jobs/kinds/registry.ts"),
      source("apps/a/src/jobs/README.md"),
    ];
    expect(fullFolders([...thirteen, ...beside])).toEqual([]);
  });

  test("that holds 14 is reported, with what to do", () => {
    const [finding, ...more] = fullFolders([...thirteen, source("apps/a/src/jobs/one-more.ts")]);
    expect(more).toEqual([]);
    expect(finding?.file).toBe("apps/a/src/jobs");
    expect(finding?.problem).toContain("14 source files");
  });
});

describe("circles", () => {
  test("of folders are reported, type-only imports included", () => {
    const findings = folderCircles([
      source("apps/a/src/jobs/one.ts", 'import { two } from "../results/two";'),
      source("apps/a/src/results/two.ts"),
      source("apps/a/src/results/three.ts", 'import type { four } from "../jobs/four";'),
      source("apps/a/src/jobs/four.ts"),
    ]);
    expect(findings.map(({ problem }) => problem)).toEqual([
      expect.stringContaining("circle of folders with apps/a/src/results"),
    ]);
  });

  test("are not made by a folder and one within it, nor by tests", () => {
    const findings = folderCircles([
      source("apps/a/src/jobs/one.ts", 'import { two } from "./kinds/two";'),
      source("apps/a/src/jobs/kinds/two.ts", 'import { three } from "../three";'),
      source("apps/a/src/jobs/three.ts"),
      source("apps/a/src/results/four.ts", 'import { one } from "../jobs/one";'),
      source("apps/a/src/jobs/one.test.ts", 'import { four } from "../results/four";'),
    ]);
    expect(findings).toEqual([]);
  });

  test("of three are found, and what only leads to one is not part of it", () => {
    const edges = { a: ["b"], b: ["c"], c: ["b", "d"], d: ["e"], e: ["c"] };
    const graph = new Map(Object.entries(edges).map(([name, to]) => [name, new Set(to)]));
    expect(circles(graph)).toEqual([["b", "c", "d", "e"]]);
  });
});

describe("@throws", () => {
  test("names a class of the workspace, of the language, or one that the file imports", () => {
    const files = [
      source("packages/p/src/errors.ts", "export class LostError extends Error {}"),
      source(
        "apps/a/src/one.ts",
        [
          'import { RestError } from "an-sdk";',
          "/** @throws LostError when it is lost */",
          "/** @throws {RangeError} */",
          "/** @throws RestError */",
        ].join("\n"),
      ),
    ];
    expect(unknownThrows(files)).toEqual([]);
  });

  test("that names no class is reported", () => {
    const text = "\n/** @throws BrokerError when the broker is away */";
    expect(places(unknownThrows([source("apps/a/src/one.ts", text)]))).toEqual([
      "apps/a/src/one.ts:2",
    ]);
  });
});

describe("a doc comment", () => {
  const stray = (text: string): string[] =>
    places(strayDocComments([source("apps/a/src/one.ts", text)]));

  test("may stand first in its file, or directly before what it documents", () => {
    const text = [
      "/** The header. */",
      'import { two } from "./two";',
      "",
      "/**",
      " * What one is.",
      " */",
      "export const one = two;",
    ];
    expect(stray(text.join("\n"))).toEqual([]);
    expect(stray("/** The header. */\n\n/** What one is. */\nexport const one = 1;\n")).toEqual([]);
  });

  test("after the imports that another follows is reported", () => {
    const text = 'import "./two";\n\n/** The header. */\n/** What one is. */\nconst one = 1;\n';
    expect(stray(text)).toEqual(["apps/a/src/one.ts:3"]);
  });

  test("after the imports that a blank line follows is reported", () => {
    const text = 'import "./two";\n\n/** The header. */\n\nconst one = 1;\n';
    expect(stray(text)).toEqual(["apps/a/src/one.ts:3"]);
  });
});

test("a cut of text at a bare number is reported; one of structure, or with a name, is not", () => {
  const text = [
    "detail.slice(0, 300)",
    "detail.substring(0, 1_000)",
    "id.slice(0, 8)",
    "clip(detail, limits.reasonChars)",
    "detail.slice(0, MAX_DETAIL)",
  ].join("\n");
  expect(places(bareCuts([source("apps/a/src/one.ts", text)]))).toEqual([
    "apps/a/src/one.ts:1",
    "apps/a/src/one.ts:2",
  ]);
});

test("a comment of more than 120 columns is reported; code and documents are not", () => {
  const comment = `// ${"x".repeat(117)}`;
  const code = `const x = "${"x".repeat(130)}";`;
  const text = [comment, `${comment}x`, ` * ${"x".repeat(130)}`, code].join("\n");
  expect(places(wideComments([source("apps/a/src/one.ts", text)]))).toEqual([
    "apps/a/src/one.ts:2",
    "apps/a/src/one.ts:3",
  ]);
  expect(wideComments([source("apps/a/README.md", ` * ${"x".repeat(130)}`)])).toEqual([]);
});

test("every place of a strange phrase is reported with what to write, also in documents", () => {
  const findings = strangePhrases([
    source("docs/one.md", "Shows at most so many.\n\nOr at most so many.\n"),
  ]);
  expect(places(findings)).toEqual(["docs/one.md:1", "docs/one.md:3"]);
  expect(findings[0]?.problem).toContain("show at most this many");
});

test("every rule has a name of its own", () => {
  expect(new Set(houseRules.map(({ name }) => name)).size).toBe(houseRules.length);
});
