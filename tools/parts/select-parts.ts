/**
 * `node tools/parts/select-parts.ts` prints, as JSON, the parts whose tests have to run (`run`), all parts with tests (`tested`)
 * and the keys of all parts (`keys`).
 * `node tools/parts/select-parts.ts remember RUN OUTCOMES` remembers what passed: RUN is what the first call printed, OUTCOMES
 * what the test reporter wrote. Both are files.
 */
import { readdirSync, readFileSync, writeFileSync, existsSync, statSync } from "node:fs";
import path from "node:path";
import {
  type FileOutcome,
  hash,
  type Part,
  partKeys,
  partsToRun,
  rememberedAfter,
} from "./parts.ts";

const root = path.resolve(import.meta.dirname, "../..");
const memory = path.join(root, "node_modules", ".postern", "passed.json");

/** Decide for all parts. */
const SHARED_FILES = [
  ".ci/run",
  ".oxlintrc.json",
  "docs/openapi.json",
  "jest.config.cjs",
  "package.json",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  "tsconfig.base.json",
  "tsconfig.json",
  "turbo.json",
];
const SHARED_FOLDERS = ["proof", "tools"];
/** Folders of packages, one level up. */
const PACKAGE_PARENTS = ["packages", "packages/emulators", "apps"];
/** Their tests start programs or read files of every other part. */
const USES_EVERYTHING = new Set(["apps/local", "apps/proof", "infra", "tools"]);
const NOT_SOURCES = new Set(["node_modules", "dist", ".turbo", "coverage"]);

function filesBelow(folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_SOURCES.has(entry.name)) return [];
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(file);
    return entry.isFile() ? [file] : [];
  });
}

function contentsOf(files: readonly string[]): string {
  const lines = files
    .filter((file) => existsSync(path.join(root, file)))
    .sort()
    .map((file) => `${file} ${hash(readFileSync(path.join(root, file), "base64"))}`);
  return hash(lines.join("\n"));
}

function partAt(folder: string): Part {
  const manifest = path.join(root, folder, "package.json");
  const json = existsSync(manifest)
    ? (JSON.parse(readFileSync(manifest, "utf8")) as {
        name?: string;
        dependencies?: Record<string, string>;
        devDependencies?: Record<string, string>;
      })
    : {};
  return {
    folder,
    name: json.name,
    uses: Object.keys({ ...json.dependencies, ...json.devDependencies }),
    usesEverything: USES_EVERYTHING.has(folder),
    contents: contentsOf(filesBelow(folder)),
  };
}

function keysOfTree(): ReadonlyMap<string, string> {
  const packages = PACKAGE_PARENTS.flatMap((parent) =>
    readdirSync(path.join(root, parent))
      .map((name) => `${parent}/${name}`)
      .filter((folder) => statSync(path.join(root, folder)).isDirectory())
      .filter((folder) => existsSync(path.join(root, folder, "package.json"))),
  );
  const shared = contentsOf([...SHARED_FILES, ...SHARED_FOLDERS.flatMap(filesBelow)]);
  const place = `${process.version} ${process.platform} ${process.arch}`;
  return partKeys([...packages, "infra", "tools"].map(partAt), `${shared} ${place}`);
}

function remembered(): Record<string, string> {
  try {
    return JSON.parse(readFileSync(memory, "utf8")) as Record<string, string>;
  } catch {
    // Nothing has passed yet, or the file was cut short: everything runs.
    return {};
  }
}

const [command, runFile = "", outcomesFile = ""] = process.argv.slice(2);
if (command === "remember") {
  const { keys, run } = JSON.parse(readFileSync(runFile, "utf8")) as {
    keys: Record<string, string>;
    run: string[];
  };
  const outcomes = (
    JSON.parse(readFileSync(outcomesFile, "utf8")) as { path: string; passed: boolean }[]
  ).map(({ path: file, passed }): FileOutcome => ({
    file: path.relative(root, file).split(path.sep).join("/"),
    passed,
  }));
  const left = rememberedAfter(new Map(Object.entries(keys)), run, outcomes);
  writeFileSync(memory, JSON.stringify(left, undefined, 2));
} else {
  const keys = keysOfTree();
  const tested = [...keys.keys()].filter((folder) =>
    filesBelow(folder).some((file) => file.endsWith(".test.ts")),
  );
  const toRun = new Set(partsToRun(keys, remembered()));
  const run = tested.filter((folder) => toRun.has(folder));
  process.stdout.write(JSON.stringify({ keys: Object.fromEntries(keys), run, tested }));
}
