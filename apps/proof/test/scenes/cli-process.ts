import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { workspaceRoot } from "@postern/local";

/** The `postern` command as it is built, in its own process, without this process's environment. */
export interface CliOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = path.join(workspaceRoot(), "apps/cli/dist/main.js");

export async function postern(
  args: readonly string[],
  options: {
    readonly environment: Readonly<Record<string, string>>;
    readonly input?: string;
    /** Called with all of stderr so far, whenever there is more. */
    readonly onStderr?: (text: string) => void;
  },
): Promise<CliOutcome> {
  if (!existsSync(program)) throw new Error(`${program} is not built: npm run build`);
  const child = spawn(process.execPath, [program, ...args], {
    env: { COLUMNS: "100", ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    options.onStderr?.(stderr);
  });
  child.stdin.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}
