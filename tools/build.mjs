// Bundles the package in the current directory into CommonJS, as its package.json says:
//   bundles          entry files, one bundle each
//   bundleExternals  packages left to node_modules
//   bundleLazily     packages with a bundle of their own, loaded when they are first imported
//   bundleWithout    globals that it is not to find: Node loads what is behind one (fetch, its forms) when it is looked at
//   bundleMinified   for programs that run for months on somebody's machine
// CommonJS because Azure Functions injects @azure/functions-core by hooking require.
import { build } from "esbuild";
import { mkdirSync, readFileSync } from "node:fs";

const {
  bundles = [],
  bundleExternals = [],
  bundleLazily = [],
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

/** An import of such a package becomes a require of its bundle, which Node reads only then. */
const lazyPackages = {
  name: "lazy-packages",
  setup(context) {
    for (const name of bundleLazily) {
      context.onResolve({ filter: new RegExp(`^${name}$`) }, ({ kind }) =>
        kind === "entry-point" ? undefined : { path: `./lazy/${lazyFile(name)}`, external: true },
      );
    }
  },
};

const shared = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node22",
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
await build({
  ...shared,
  entryPoints: bundles,
  outdir: "dist",
  outbase: "src",
  sourcemap: "linked",
  plugins: [englishOnly, lazyPackages],
});
for (const name of bundleLazily) {
  await build({
    ...shared,
    stdin: { contents: `export * from "${name}";`, resolveDir: process.cwd() },
    outfile: `dist/lazy/${lazyFile(name)}`,
    plugins: [englishOnly],
  });
}
