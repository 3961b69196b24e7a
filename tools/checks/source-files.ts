/** The sources of the products, as the checks of the house read them: as text, with their imports. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly file: string;
  readonly text: string;
}

/** Where it is, what is wrong, and the way out. */
export interface Finding {
  readonly file: string;
  readonly line?: number;
  readonly problem: string;
}

export const isTest = (file: string): boolean => /\.test\.ts$/.test(file) || /\/test\//.test(file);

/**
 * All TypeScript files of apps and packages, tests included, and their documents with those of `docs` and `infra`. `dist` and
 * `node_modules` are not sources.
 */
export function sourceFiles(root: string): SourceFile[] {
  const below = (folder: string): SourceFile[] =>
    readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const file = `${folder}/${entry.name}`;
      if (entry.isDirectory())
        return entry.name === "node_modules" || entry.name === "dist" ? [] : below(file);
      if (!/\.(ts|md)$/.test(entry.name)) return [];
      return [{ file, text: readFileSync(path.join(root, file), "utf8") }];
    });
  return ["apps", "packages", "infra", "docs"].flatMap(below);
}

/** Files that a file imports by a relative path, as far as they are among the given ones; type-only imports included. */
export function importsOf({ file, text }: SourceFile, known: ReadonlySet<string>): string[] {
  const found = text.matchAll(/(?:from|import\(|require\()\s*"(\.[^"]*)"/g);
  return [...found].flatMap(([, specifier = ""]) => {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    return [target, `${target}.ts`, `${target}/index.ts`].filter((each) => known.has(each));
  });
}
