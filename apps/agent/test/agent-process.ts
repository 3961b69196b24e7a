/** The bundled agent in its own process, as a service manager would run it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { World } from "./world";

const program = path.join(__dirname, "..", "dist", "main.js");

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly ready: unknown;
  /** The lines it wrote to stderr. */
  readonly lines: string[];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly settings?: string;
  readonly args?: readonly string[];
}

export async function startAgentProcess(
  world: World,
  options: ProcessOptions = {},
): Promise<AgentProcess> {
  if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run build\` first`);
  const config = path.join(world.directory, `agent-${Math.random()}.yaml`);
  writeFileSync(config, world.settingsText(options.settings));
  const child = spawn(
    process.execPath,
    [program, "run", "--config", config, ...(options.args ?? [])],
    {
      env: { PATH: process.env["PATH"], ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  const first = new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).once("line", resolve),
  );
  const ready = await Promise.race([
    first,
    exited.then(({ code }) => {
      throw new Error(`the agent ended with ${code} before it was ready:\n${lines.join("\n")}`);
    }),
  ]);
  return { child, ready: JSON.parse(ready), lines, exited };
}
