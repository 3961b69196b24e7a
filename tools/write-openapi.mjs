// Writes docs/openapi.json from the route table and schemas of the contracts. A test fails while the file is out of date.
import { build } from "esbuild";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import prettier from "prettier";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cloud = path.join(root, "apps", "cloud");
const target = path.join(root, "docs", "openapi.json");
const folder = mkdtempSync(path.join(root, "node_modules", ".openapi-"));
try {
  const outfile = path.join(folder, "openapi.cjs");
  await build({
    entryPoints: [path.join(cloud, "src", "http", "openapi", "openapi.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "warning",
  });
  const { openApiDocument } = createRequire(import.meta.url)(outfile);
  const { version } = JSON.parse(readFileSync(path.join(cloud, "package.json"), "utf8"));
  const text = JSON.stringify(
    openApiDocument({ version, issuer: "the issuer that the branch is set to" }),
  );
  writeFileSync(
    target,
    await prettier.format(text, { ...(await prettier.resolveConfig(target)), parser: "json" }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
