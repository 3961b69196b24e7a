// Bundles the package in the current directory into CommonJS, as its package.json says:
//   bundles          entry files, one bundle each
//   bundleExternals  packages left to node_modules
//   bundlesWhole     entry files whose bundles hold every package, also those of bundleLazily
//   bundleLazily     packages with a bundle of their own, loaded when they are first imported
//   bundleModules    of a package that also comes as ES modules, only what is used of these
//   bundleWithout    globals that it is not to find: Node loads what is behind one (fetch, its forms) when it is looked at
//   bundleMinified   for programs that run for months on somebody's machine
// CommonJS because Azure Functions injects @azure/functions-core by hooking require.
import { build } from "esbuild";
import { mkdirSync, readFileSync } from "node:fs";

const {
  bundles = [],
  bundlesWhole = [],
  bundleExternals = [],
  bundleLazily = [],
  bundleModules = false,
  bundleWithout = [],
  bundleMinified = false,
} = JSON.parse(readFileSync("package.json", "utf8"));

const lazyFile = (name) => `${name.replace(/^@/, "").replace(/\W+/g, "-")}.js`;

/** Fifty languages of error messages, of which one is used: a tenth of a small bundle. */
const englishOnly = {
  name: "english-only",
  setup(context) {
    context.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.c?js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** Package → folder of a file that imports it: another package of ours may depend on it, not this one. */
const importers = new Map();

/** An import of such a package becomes a require of its bundle, which Node reads only then. */
const lazyPackages = {
  name: "lazy-packages",
  setup(context) {
    for (const name of bundleLazily) {
      context.onResolve({ filter: new RegExp(`^${name}$`) }, ({ resolveDir }) => {
        importers.set(name, resolveDir);
        return { path: `./lazy/${lazyFile(name)}`, external: true };
      });
    }
  },
};

const shared = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node22",
  // What a package of CommonJS loads, it loads whole. Unset, the default holds: such a package first.
  mainFields: bundleModules ? ["module", "main"] : undefined,
  sourcesContent: false,
  legalComments: "none",
  // V8 keeps the source text and its names in memory. Stacks stay readable through the source map.
  minify: bundleMinified,
  define: Object.fromEntries(bundleWithout.map((name) => [name, "undefined"])),
  logLevel: "warning",
  external: [
    "@azure/functions-core",
    "pg-native",
    "bufferutil",
    "utf-8-validate",
    ...bundleExternals,
  ],
};

// Overwritten, not removed first: a program that runs from here may still want a bundle that it loads lazily.
mkdirSync("dist", { recursive: true });
const entries = { ...shared, outdir: "dist", outbase: "src", sourcemap: "linked" };
await build({ ...entries, entryPoints: bundles, plugins: [englishOnly, lazyPackages] });
if (bundlesWhole.length > 0) {
  await build({ ...entries, entryPoints: bundlesWhole, plugins: [englishOnly] });
}
for (const [name, resolveDir] of importers) {
  await build({
    ...shared,
    stdin: { contents: `export * from "${name}";`, resolveDir },
    outfile: `dist/lazy/${lazyFile(name)}`,
    plugins: [englishOnly],
  });
}
