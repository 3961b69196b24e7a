import { buildSync } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const directory = mkdtempSync(path.join(tmpdir(), "postern-thread-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

/** Bundles a program as the agent's build does. The file is deleted when the process exits. */
export function programOf(entry: string): string {
  const outfile = path.join(directory, `${path.basename(entry, ".ts")}.cjs`);
  buildSync({
    entryPoints: [path.join(__dirname, entry)],
    outfile,
    bundle: true,
    platform: "node",
    external: ["pg-native"],
    logLevel: "error",
  });
  return outfile;
}

/** The program of a target's thread. */
export const threadProgram = programOf("thread-entry.ts");
