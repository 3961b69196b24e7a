/**
 * Which parts of the repository have to be tested again.
 *
 * A part is a workspace package, or `infra` or `tools`. Its key is a hash over its own files, the files of every part that it
 * depends on, and what decides for all parts (lockfile, configuration, Node release). A part whose key is remembered has
 * passed with exactly these contents, and its tests need not run. Pure: files are read and remembered by `select-parts.ts`.
 */
import { createHash } from "node:crypto";

export interface Part {
  /** Folder, relative to the root, with forward slashes. */
  readonly folder: string;
  /** Name in package.json; undefined for folders that are no package. */
  readonly name: string | undefined;
  /** Names of the workspace packages that it uses, development dependencies included. */
  readonly uses: readonly string[];
  /** True when its tests start programs of every other part: no list of dependencies would be complete. */
  readonly usesEverything: boolean;
  /** Hash over the part's own files. */
  readonly contents: string;
}

/** Key per folder. `shared` stands for what decides for all parts. */
export function partKeys(parts: readonly Part[], shared: string): ReadonlyMap<string, string> {
  const byName = new Map(
    parts.flatMap((part) => (part.name === undefined ? [] : [[part.name, part]])),
  );
  return new Map(
    parts.map((part) => {
      const reached = part.usesEverything ? parts : withDependencies(part, byName);
      const lines = reached.map(({ folder, contents }) => `${folder} ${contents}`).sort();
      return [part.folder, hash([shared, ...lines].join("\n"))];
    }),
  );
}

/** Folders whose tests have to run: those with a key that is not remembered. */
export function partsToRun(
  keys: ReadonlyMap<string, string>,
  remembered: Readonly<Record<string, string>>,
): string[] {
  return [...keys].filter(([folder, key]) => remembered[folder] !== key).map(([folder]) => folder);
}

export interface FileOutcome {
  /** Relative to the root, with forward slashes. */
  readonly file: string;
  /** True when every test of the file ran and passed: a skipped test may run on the next occasion. */
  readonly passed: boolean;
}

/**
 * What to remember after a run: the keys of the parts that ran and passed whole, beside the keys of the parts that did not
 * have to run. A part that failed, or of which tests were skipped, is forgotten.
 */
export function rememberedAfter(
  keys: ReadonlyMap<string, string>,
  ran: readonly string[],
  outcomes: readonly FileOutcome[],
): Record<string, string> {
  const failed = new Set(
    outcomes.filter(({ passed }) => !passed).map(({ file }) => folderOf(file, [...keys.keys()])),
  );
  const reported = new Set(outcomes.map(({ file }) => folderOf(file, [...keys.keys()])));
  const kept = [...keys].filter(
    ([folder]) => !ran.includes(folder) || (reported.has(folder) && !failed.has(folder)),
  );
  return Object.fromEntries(kept);
}

/** The innermost part that a file is in. */
export function folderOf(file: string, folders: readonly string[]): string | undefined {
  return folders
    .filter((folder) => file.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];
}

export function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function withDependencies(part: Part, byName: ReadonlyMap<string, Part>): Part[] {
  const reached = new Set<Part>();
  const open = [part];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    for (const name of next.uses) {
      const used = byName.get(name);
      if (used !== undefined) open.push(used);
    }
  }
  return [...reached];
}
