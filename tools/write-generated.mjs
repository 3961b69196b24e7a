// Bundles and runs write-generated.ts: its imports are TypeScript, and those of the packages name no extension.
import { buildSync } from "esbuild";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const tools = path.dirname(fileURLToPath(import.meta.url));
process.chdir(path.dirname(tools));
const outfile = path.resolve("node_modules/.postern/write-generated.cjs");
buildSync({
  entryPoints: [path.join(tools, "write-generated.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "cjs",
  external: ["prettier"],
  logLevel: "warning",
});
createRequire(import.meta.url)(outfile);
