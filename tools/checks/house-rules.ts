/**
 * The rules of the house that neither the compiler nor the linter knows. Each takes the sources and returns what breaks it.
 * Reasons are in docs/adr/0011 and 0012; how to mend each is in its message.
 */
import path from "node:path";
import { circles } from "./circles.ts";
import { phrases } from "./phrases.ts";
import { type Finding, importsOf, isTest, type SourceFile } from "./source-files.ts";

/** About a dozen: what a person takes in at one look. */
const MAX_FILES_PER_FOLDER = 13;
const MAX_COMMENT_COLUMNS = 120;
/** Cuts below this are of structure (an id's first characters, a version's parts), not of text that a person reads. */
const SHORTEST_TEXT_CUT = 20;

const products = (files: readonly SourceFile[]): SourceFile[] =>
  files.filter(({ file }) => /\/src\/.*\.ts$/.test(file) && !isTest(file));

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

export function fullFolders(files: readonly SourceFile[]): Finding[] {
  const counts = new Map<string, number>();
  for (const { file } of products(files)) {
    const folder = path.posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > MAX_FILES_PER_FOLDER)
    .map(([file, count]) => ({
      file,
      problem: `holds ${count} source files; give those that belong together a folder (at most ${MAX_FILES_PER_FOLDER})`,
    }));
}

/** Circles of sibling folders, type-only imports included. Circles of files: .dependency-cruiser.cjs. */
export function folderCircles(files: readonly SourceFile[]): Finding[] {
  const sources = products(files);
  const known = new Set(sources.map(({ file }) => file));
  const edges = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const imported of importsOf(source, known)) {
      const pair = siblingFolders(source.file, imported);
      if (pair === undefined) continue;
      const [from, to] = pair;
      edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  return circles(edges).map(([first = "", ...rest]) => ({
    file: first,
    problem: `is in a circle of folders with ${rest.join(", ")}; move what both need to a place below them, or hand it in`,
  }));
}

/** The folders in which two files part, when both lie in a folder there: `a/x/1.ts` and `a/y/2.ts` → `a/x`, `a/y`. */
function siblingFolders(one: string, other: string): [string, string] | undefined {
  const [a, b] = [one.split("/"), other.split("/")];
  const at = a.findIndex((part, index) => part !== b[index]);
  if (at < 0 || at === a.length - 1 || at === b.length - 1) return undefined;
  return [a.slice(0, at + 1).join("/"), b.slice(0, at + 1).join("/")];
}

/** `@throws X` names a class that the file knows, or one that some package of the workspace exports. */
export function unknownThrows(files: readonly SourceFile[]): Finding[] {
  const classes = new Set(["Error", "TypeError", "RangeError", "AggregateError", "SyntaxError"]);
  for (const { text } of files)
    for (const [, name = ""] of text.matchAll(/\bclass (\w+)/g)) classes.add(name);
  return products(files).flatMap(({ file, text }) =>
    [...text.matchAll(/@throws \{?([A-Z]\w+)/g)]
      .filter(
        ([, name = ""]) =>
          !classes.has(name) && !new RegExp(`import [^;]*\\b${name}\\b`).test(text),
      )
      .map(({ 1: name = "", index }) => ({
        file,
        line: lineOf(text, index),
        problem: `@throws ${name}: there is no such class; name the one that is thrown`,
      })),
  );
}

/**
 * A doc comment after the first statement that documents nothing: another follows it, or a blank line. It is the header of the
 * module, which stands first in its file, before the imports.
 */
export function strayDocComments(files: readonly SourceFile[]): Finding[] {
  return products(files).flatMap(({ file, text }) =>
    [...text.matchAll(/^\/\*\*(?:[^*]|\*(?!\/))*\*\/\n(?:\n|(?=\/\*\*))/gm)]
      .filter(({ index }) => text.slice(0, index).trim() !== "")
      .map(({ index }) => ({
        file,
        line: lineOf(text, index),
        problem:
          "the doc comment documents nothing; put the module's header before the imports, or join it to what follows",
      })),
  );
}

/** `text.slice(0, 300)`: a cut has a name and a reason. */
export function bareCuts(files: readonly SourceFile[]): Finding[] {
  return products(files).flatMap(({ file, text }) =>
    [...text.matchAll(/\.(?:slice|substring)\(0, ([\d_]+)\)/g)]
      .filter(([, length = ""]) => Number(length.replaceAll("_", "")) >= SHORTEST_TEXT_CUT)
      .map(({ 0: cut, index }) => ({
        file,
        line: lineOf(text, index),
        problem: `${cut} cuts at a bare number; use clip(text, limits.…) or a named constant`,
      })),
  );
}

/** Comment lines of TypeScript; the width of code is Prettier's. */
export function wideComments(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ file }) => file.endsWith(".ts"))
    .flatMap(({ file, text }) =>
      text.split("\n").flatMap((line, index) => {
        if (line.length <= MAX_COMMENT_COLUMNS || !/^\s*(\/\/|\/\*|\*)/.test(line)) return [];
        const problem = `the comment is ${line.length} columns wide; wrap it at ${MAX_COMMENT_COLUMNS}`;
        return [{ file, line: index + 1, problem }];
      }),
    );
}

/** In sources and in documents; see phrases.ts. */
export function strangePhrases(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ file, text }) =>
    phrases.flatMap(([pattern, instead]) =>
      [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map(({ 0: found, index }) => ({
        file,
        line: lineOf(text, index),
        problem: `“${found}” reads as translated; write: ${instead}`,
      })),
    ),
  );
}

export interface HouseRule {
  readonly name: string;
  readonly findings: (files: readonly SourceFile[]) => Finding[];
  /** False while the sources do not pass yet: `check-house.ts --all` shows what is left. */
  readonly enabled: boolean;
}

export const houseRules: readonly HouseRule[] = [
  { name: "full-folders", findings: fullFolders, enabled: true },
  { name: "folder-circles", findings: folderCircles, enabled: true },
  { name: "unknown-throws", findings: unknownThrows, enabled: true },
  { name: "stray-doc-comments", findings: strayDocComments, enabled: true },
  { name: "bare-cuts", findings: bareCuts, enabled: true },
  { name: "wide-comments", findings: wideComments, enabled: true },
  { name: "strange-phrases", findings: strangePhrases, enabled: true },
];
