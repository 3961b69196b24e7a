import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Queues } from "./queues";

const CLI = path.join(__dirname, "..", "dist", "cli.js");

/** The emulator as the command line starts it, in a process that a test may kill. */
export interface EmulatorProcess {
  readonly connectionString: string;
  readonly port: number;
  readonly control: string;
  stats(): Promise<Record<string, number>>;
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export const newDirectory = (): string => mkdtempSync(path.join(tmpdir(), "service-bus-emulator-"));

export function topologyFile(directory: string, queues: Queues): string {
  const file = path.join(directory, "topology.json");
  writeFileSync(file, JSON.stringify({ queues }));
  return file;
}

export function runCli(flags: readonly string[]): ChildProcess {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: build the package first.`);
  return spawn(process.execPath, [CLI, ...flags], { stdio: ["pipe", "pipe", "pipe"] });
}

export async function startProcess(
  directory: string,
  queues: Queues,
  port = 0,
): Promise<EmulatorProcess> {
  const flags = [
    "--topology",
    topologyFile(directory, queues),
    "--data",
    path.join(directory, "data"),
  ];
  const child = runCli([...flags, "--port", String(port), "--exit-with-stdin"]);
  const exited = once(child, "exit");
  const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
  const ready = JSON.parse(line.toString()) as {
    endpoints: { connectionString: string };
    control: string;
  };
  return {
    connectionString: ready.endpoints.connectionString,
    port: Number(/localhost:(\d+)/.exec(ready.endpoints.connectionString)?.[1]),
    control: ready.control,
    stats: async () =>
      (await (await fetch(`${ready.control}/stats`)).json()) as Record<string, number>,
    kill: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
}
