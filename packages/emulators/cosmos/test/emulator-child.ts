import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

/** The bundled command line as a process, which a test can kill. */
export interface EmulatorChild {
  readonly endpoint: string;
  readonly key: string;
  readonly control: string;
  /** SIGKILL: no chance to clean up. */
  kill(): Promise<void>;
}

const CLI = path.join(__dirname, "..", "dist", "cli.js");

export async function startChild(...flags: string[]): Promise<EmulatorChild> {
  const child = spawn(process.execPath, [CLI, ...flags, "--exit-with-stdin"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const line = await firstLine(child);
  const ready = JSON.parse(line) as {
    endpoints: { endpoint: string; key: string };
    control: string;
  };
  return {
    ...ready.endpoints,
    control: ready.control,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** The error output and the exit code of a command line that is expected to fail. */
export async function runToFailure(...flags: string[]): Promise<{ code: unknown; text: string }> {
  const child = spawn(process.execPath, [CLI, ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, "close")) as unknown[];
  return { code, text };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null || child.stderr === null) throw new Error("the child has no output");
  let problem = "";
  child.stderr.on("data", (chunk: Buffer) => (problem += chunk.toString()));
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit").then(() => {
    throw new Error(`the emulator ended before it was ready: ${problem}`);
  });
  const [line] = (await Promise.race([once(lines, "line"), ended])) as string[];
  ended.catch(() => undefined);
  return line ?? "";
}
