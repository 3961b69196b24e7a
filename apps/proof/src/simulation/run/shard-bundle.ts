/**
 * Bundles the simulating process from the working tree, as it is or with one planted bug. The bug is put in while the source
 * is read: the working tree is never touched.
 */
import { build, type Plugin } from "esbuild";
import { readFileSync } from "node:fs";
import path from "node:path";
import { workspaceRoot } from "@postern/local";
import type { PlantedBug } from "../planted/planted-bugs";

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

function planting(bug: PlantedBug): Plugin {
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

/** Our own modules do nothing when they are loaded: what is not used of them (SDK adapters) is left out of the bundle. */
const unusedLeftOut: Plugin = {
  name: "unused-left-out",
  setup(context) {
    context.onResolve({ filter: /^(@postern\/|\.)/ }, async (asked) => {
      const { importer, resolveDir, kind, path: wanted } = asked;
      if (asked.pluginData === unusedLeftOut.name || kind === "entry-point") return undefined;
      if (/node_modules[\\/](?!@postern)/.test(importer)) return undefined;
      const options = { importer, resolveDir, kind, pluginData: unusedLeftOut.name };
      const resolved = await context.resolve(wanted, options);
      return { ...resolved, sideEffects: false };
    });
  },
};

export async function bundleShard(outfile: string, bug?: PlantedBug): Promise<void> {
  await build({
    entryPoints: [path.join(workspaceRoot(), "apps/proof/src/simulation/run/shard.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node22",
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "silent",
    plugins: [...(bug === undefined ? [] : [planting(bug)]), unusedLeftOut],
  });
}
