// Bundles the package in the current directory into CommonJS, configured by its package.json:
//   bundles          entry files, one bundle each
//   bundleExternals  packages left to node_modules
//   bundlesWhole     entry files whose bundles contain every package, even those of bundleLazily
//   bundleLazily     packages that get their own bundle, loaded on first import
//   bundleModules    packages that also come as ES modules, of which only the used parts are bundled
//   bundleWithout    globals to hide from the code: Node loads what is behind one (such as fetch) when code reads it
//   bundleMinified   minify, for programs that run for months on a customer's machine
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

/** Error messages in fifty languages, of which one is used: a tenth of a small bundle. */
const englishOnly = {
  name: "english-only",
  setup(context) {
    context.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.c?js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** Package → folder of a file that imports it, because another package of ours may depend on it instead of this one. */
const importers = new Map();

/** Turns an import of such a package into a require of its bundle, which Node reads only then. */
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
  // CommonJS packages are bundled whole. Unset, the default prefers them.
  mainFields: bundleModules ? ["module", "main"] : undefined,
  sourcesContent: false,
  legalComments: "none",
  // V8 keeps the source text and its names in memory. The source map keeps stack traces readable.
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

// Overwritten rather than removed first: a running program may still load a lazy bundle from here.
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
