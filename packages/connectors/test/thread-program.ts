import { buildSync } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const directory = mkdtempSync(path.join(tmpdir(), "postern-thread-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

/** A bundled program, as the agent ships one; gone with the process. */
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

/** What a target's thread runs. */
export const threadProgram = programOf("thread-entry.ts");
