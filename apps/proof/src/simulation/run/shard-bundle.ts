/**
 * Bundles the simulating process from the working tree, as it is or with one planted bug. The bug is put in while the
 * source is read: the working tree is never touched.
 */
import { build, type Plugin } from "esbuild";
import path from "node:path";
import { workspaceRoot } from "@postern/local";
import { type PlantedBug, planting } from "./planted-bug";

/**
 * Our own modules do nothing when they are loaded: what is not used of them (SDK adapters) is left out of the bundle.
 */
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
