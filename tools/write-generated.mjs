// Bundles and runs write-generated.ts, because it imports TypeScript, and the packages import without file extensions.
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
