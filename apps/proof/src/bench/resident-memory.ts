import { spawn } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Resident memory of processes, in MB.
 *
 * Linux counts pages of the Node.js binary among them, and how many are mapped beside those that are used depends on
 * how the page cache got the file: 35 to 64 MB of it, for the same program (docs/benchmarks.md). So what is measured
 * runs a binary that was just written, as an installer leaves it, and a bare node of the same file is measured beside
 * it.
 */
const SETTLED_MS = 2_000;

/** A copy of the running node in this directory. */
export function freshNode(directory: string): string {
  const file = path.join(directory, "node");
  copyFileSync(process.execPath, file);
  return file;
}

export function rssMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** What a node takes that has nothing to do. */
export async function bareRssMegabytes(node: string): Promise<number> {
  const child = spawn(node, ["-e", "setInterval(() => undefined, 1_000_000)"], { stdio: "ignore" });
  try {
    await sleep(SETTLED_MS);
    if (child.pid === undefined) throw new Error(`${node} does not start`);
    return rssMegabytes(child.pid);
  } finally {
    child.kill("SIGKILL");
  }
}
