/**
 * Loads the deployed app into this process: puts its settings into the environment, serves its
 * `require("@azure/functions-core")`, and requires its entry files. `unload` undoes this, so that one process can start
 * hosts one after the other (tests do); two apps at the same time share one environment and should not rely on it.
 */
import { existsSync, globSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { readCheckedFile } from "../config/json-file";
import { describeError, FunctionsHostError } from "../diagnostics/errors";
import type { CoreModule } from "./core-module";
import { nodeModule, nodeProcess } from "./node-runtime";

type Load = (this: unknown, request: string, parent: unknown, isMain: boolean) => unknown;

const CORE = "@azure/functions-core";
const PackageJson = z.looseObject({ main: z.string().min(1).max(1000).optional() });

/** The last one is what the next `require` gets: the library asks once, when the app registers its first function. */
const cores: CoreModule[] = [];
let originalLoad: Load | undefined;

function supplyCore(core: CoreModule): () => void {
  cores.push(core);
  if (originalLoad === undefined) {
    const original = Reflect.get(nodeModule, "_load") as Load;
    originalLoad = original;
    const patched: Load = function (this: unknown, request, parent, isMain) {
      const current = request === CORE ? cores.at(-1) : undefined;
      return current === undefined ? original.call(this, request, parent, isMain) : current.api;
    };
    Reflect.set(nodeModule, "_load", patched);
  }
  return () => {
    cores.splice(cores.indexOf(core), 1);
    if (cores.length > 0 || originalLoad === undefined) return;
    Reflect.set(nodeModule, "_load", originalLoad);
    originalLoad = undefined;
  };
}

function applySettings(settings: Readonly<Record<string, string>>): () => void {
  const before = new Map<string, string | undefined>();
  for (const [name, value] of Object.entries(settings)) {
    before.set(name, nodeProcess.env[name]);
    nodeProcess.env[name] = value;
  }
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete nodeProcess.env[name];
      else nodeProcess.env[name] = value;
    }
  };
}

function entryFiles(appDirectory: string): string[] {
  const packageFile = path.join(appDirectory, "package.json");
  if (!existsSync(packageFile)) {
    throw new FunctionsHostError(
      "app-not-found",
      `${packageFile} is missing: its "main" names the app's code.`,
    );
  }
  const { main = "index.js" } = readCheckedFile(packageFile, PackageJson, "app-not-found");
  const literal = path.join(appDirectory, main);
  if (existsSync(literal)) return [literal];
  const files = globSync(main, { cwd: appDirectory }).sort();
  if (files.length === 0) {
    throw new FunctionsHostError(
      "app-not-found",
      `"main" of ${packageFile} is "${main}", but there is no such file.`,
    );
  }
  return files.map((file) => path.join(appDirectory, file));
}

export interface LoadedApp {
  unload(): void;
}

/** @throws FunctionsHostError if the app has no code, or its code throws while it is loaded */
export function loadApp(
  appDirectory: string,
  core: CoreModule,
  settings: Readonly<Record<string, string>>,
): LoadedApp {
  const files = entryFiles(appDirectory);
  const require = nodeModule.createRequire(path.join(appDirectory, "package.json"));
  // Loaded again each time, even beside a host that runs the same folder.
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(appDirectory + path.sep)) delete require.cache[file];
  }
  const cachedBefore = new Set(Object.keys(require.cache));
  const restoreSettings = applySettings(settings);
  const withdrawCore = supplyCore(core);
  const unload = (): void => {
    withdrawCore();
    restoreSettings();
    for (const file of Object.keys(require.cache))
      if (!cachedBefore.has(file)) delete require.cache[file];
  };
  for (const file of files) {
    try {
      require(file);
    } catch (error) {
      unload();
      throw new FunctionsHostError(
        "app-load-failed",
        `${file} threw while loading: ${describeError(error)}`,
        {
          cause: error,
        },
      );
    }
  }
  return { unload };
}
