import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CycleSummary, type Endpoints, workspaceRoot } from "@postern/local";

/** The local platform as a person runs it: the built program, its exit code, its output. */
const program = path.join(workspaceRoot(), "apps/local/dist/main.js");

export interface RunOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface OnceSummary {
  readonly cycles: readonly CycleSummary[];
  readonly graphRequests: number;
  readonly serviceBusOperations: number;
  readonly cosmosRequests: number;
  readonly target: string;
}

export function freshDirectory(): string {
  // A space in the path is what people have, and what breaks programs.
  return mkdtempSync(path.join(tmpdir(), "postern test-"));
}

export function spawnStart(
  args: readonly string[],
  options: { cwd?: string; environment?: Record<string, string> } = {},
): ChildProcess {
  const { NODE_OPTIONS: _ours, ...inherited } = process.env;
  return spawn(process.execPath, [program, "start", ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...inherited, INIT_CWD: options.cwd ?? tmpdir(), ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function outcomeOf(child: ChildProcess): Promise<RunOutcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

/** Runs `npm start -- ARGS` to its end. */
export function run(
  args: readonly string[],
  options: { cwd?: string; environment?: Record<string, string> } = {},
): Promise<RunOutcome> {
  return outcomeOf(spawnStart(args, options));
}

/** Runs `--once --json` and returns the object on the last line of stdout. */
export async function runOnce(
  args: readonly string[],
  options: { environment?: Record<string, string> } = {},
): Promise<OnceSummary & { code: number | null }> {
  const outcome = await run(["--once", "--json", ...args], options);
  const last = outcome.stdout.trim().split("\n").at(-1) ?? "";
  if (!last.startsWith("{"))
    throw new Error(
      `no summary (exit code ${outcome.code}):\n${outcome.stdout}\n${outcome.stderr}`,
    );
  return { ...(JSON.parse(last) as OnceSummary), code: outcome.code };
}

/** Waits for a condition; the time is a bound on a hang, not a measurement. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 30_000,
): Promise<T> {
  const began = performance.now();
  let lastError: unknown;
  while (performance.now() - began < deadlineMs) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await sleep(50);
  }
  throw new Error(
    `${what}: not within ${deadlineMs} ms${lastError instanceof Error ? ` (${lastError.message})` : ""}`,
  );
}

/** A platform that keeps running, and what it left in `endpoints.json`. */
export interface RunningPlatform {
  readonly data: string;
  readonly endpoints: Endpoints;
  pid(name: string): number;
  /** Sends SIGINT, as Ctrl-C does, and waits for the end. */
  stop(): Promise<RunOutcome>;
}

export async function startFollowing(
  args: readonly string[],
  options: { data?: string; environment?: Record<string, string> } = {},
): Promise<RunningPlatform> {
  const data = options.data ?? freshDirectory();
  const child = spawnStart(
    ["--data", data, ...args],
    options.environment === undefined ? {} : { environment: options.environment },
  );
  let stderr = "";
  const ended = outcomeOf(child);
  child.stderr?.on("data", (text: string) => (stderr += text));
  const file = path.join(data, "endpoints.json");
  await eventually(
    `the platform is in step (${data})`,
    () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
      return existsSync(file) && stderr.includes("Following changes");
    },
    60_000,
  );
  return {
    data,
    endpoints: JSON.parse(readFileSync(file, "utf8")) as Endpoints,
    pid: (name) => {
      const pids = JSON.parse(readFileSync(path.join(data, "processes.json"), "utf8")) as Record<
        string,
        number
      >;
      const pid = pids[name];
      if (pid === undefined) throw new Error(`no process '${name}'`);
      return pid;
    },
    stop: () => {
      child.kill("SIGINT");
      return ended;
    },
  };
}
