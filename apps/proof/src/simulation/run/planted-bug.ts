import type { Plugin } from "esbuild";
import { readFileSync } from "node:fs";
import path from "node:path";
import { workspaceRoot } from "@postern/local";

export interface PlantedBug {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Caught by worlds with a hostile agent only. */
  readonly hostile?: boolean;
  /** What it breaks, and what must notice. */
  readonly why: string;
}

export class BugDoesNotApply extends Error {
  override readonly name = "BugDoesNotApply";
}

/** @throws BugDoesNotApply unless the old text stands in the file exactly once */
export function plantedSource({ file, from, to }: PlantedBug): string {
  const source = readFileSync(path.join(workspaceRoot(), file), "utf8");
  const times = source.split(from).length - 1;
  if (times !== 1)
    throw new BugDoesNotApply(`${file}: the text stands there ${times} times, not once: ${from}`);
  return source.replace(from, () => to);
}

/** Puts the bug in while esbuild reads the file. */
export function planting(bug: PlantedBug): Plugin {
  const planted = path.join(workspaceRoot(), bug.file);
  const contents = plantedSource(bug);
  return {
    name: "planting",
    setup(context) {
      context.onLoad(
        { filter: new RegExp(`${path.basename(planted).replace(/\./g, "\\.")}$`) },
        (found) => (found.path === planted ? { contents, loader: "ts" } : undefined),
      );
    },
  };
}
