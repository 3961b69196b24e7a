import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { clip, limits } from "@postern/contracts";
import { build } from "esbuild";
import type { Environment } from "../kit/environment";
import { workspaceRoot } from "@postern/local";
import { measured, median, type Measure } from "./measure";

const REPEATS = 7;
const cloud = path.join(workspaceRoot(), "apps/cloud");

/** Enough for the program to register its functions; nothing is contacted by loading it. */
const settings = {
  TENANT_ID: "00000000-0000-4000-8000-000000000001",
  BRANCH: "bench",
  WORKER_GROUPS: '[{"name":"default","targets":["local"]}]',
  SYNC_SCHEDULE: "0 */5 * * * *",
  ServiceBusConnection__fullyQualifiedNamespace: "bench.servicebus.windows.net",
  COSMOS_ENDPOINT: "https://bench.documents.azure.com",
  AUTH_ISSUER: "https://login.microsoftonline.com/bench/v2.0",
  AUTH_AUDIENCE: "api://postern",
};

/** Milliseconds that a fresh process takes to load a file, without any compile cache. */
function loadMs(file: string, environment: Environment): number {
  const program = `const t=performance.now();require(${JSON.stringify(file)});process.stdout.write(String(performance.now()-t));process.exit(0)`;
  const result = spawnSync(process.execPath, ["-e", program], {
    encoding: "utf8",
    env: { PATH: environment["PATH"], ...settings },
  });
  const value = Number(result.stdout.trim().split("\n").at(-1));
  if (!Number.isFinite(value) || value <= 0)
    throw new Error(`loading ${file} failed: ${clip(result.stderr, limits.failureChars)}`);
  return value;
}

/** How long the functions bundle takes to load, as a share of the same program with its packages unbundled. */
export async function measureBundleLoad(environment: Environment): Promise<Measure[]> {
  const directory = path.join(cloud, "dist", "unbundled");
  mkdirSync(directory, { recursive: true });
  const unbundled = path.join(directory, "main.js");
  try {
    await build({
      entryPoints: [path.join(cloud, "src/main.ts")],
      outfile: unbundled,
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node22",
      logLevel: "error",
      plugins: [
        {
          // Our own sources stay in; every package from the registry is loaded from node_modules.
          name: "packages-stay-outside",
          setup(context) {
            context.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
              kind === "entry-point" || name.startsWith("@postern/")
                ? undefined
                : { path: name, external: true },
            );
          },
        },
      ],
    });
    const ratios: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      ratios.push(
        loadMs(path.join(cloud, "dist/main.js"), environment) / loadMs(unbundled, environment),
      );
    }
    return [measured("bundle-load-ratio", median(ratios))];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
