import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { SeedOutcome } from "./seed-outcome";

export interface ShardRun {
  readonly bundle: string;
  readonly args: readonly string[];
  /** Killed after this. */
  readonly timeoutMs: number;
  readonly onOutcome: (outcome: SeedOutcome) => void;
  readonly signal?: AbortSignal;
}

export interface ShardEnd {
  readonly code: number | null;
  readonly errors: string;
}

/** Runs a simulating process to its end. */
export function runShard({
  bundle,
  args,
  timeoutMs,
  onOutcome,
  signal,
}: ShardRun): Promise<ShardEnd> {
  return new Promise((resolve, reject) => {
    // A seed is mostly short-lived objects: a roomy nursery is a tenth of its time.
    const child = spawn(process.execPath, ["--max-semi-space-size=32", bundle, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      ...(signal === undefined ? {} : { signal }),
    });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors = `${errors}${chunk.toString("utf8")}`.slice(-4_000);
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      onOutcome(JSON.parse(line) as SeedOutcome);
    });
    child.on("error", (error) => (error.name === "AbortError" ? undefined : reject(error)));
    child.on("close", (code) => resolve({ code, errors }));
  });
}
