import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { outcomeOf } from "./platform-run";

const program = path.resolve(__dirname, "../dist/main.js");

interface StormResult {
  readonly violations: readonly string[];
  readonly measured: {
    readonly changes: number;
    readonly writes: number;
    readonly kills: Record<string, number>;
    readonly points: Record<string, number>;
    readonly network: Record<string, number>;
  };
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

test("a minute of kills, stops and network faults: nothing lost, nothing twice, nothing silent", async () => {
  const { NODE_OPTIONS: _ours, ...environment } = process.env;
  const child = spawn(
    process.execPath,
    [program, "chaos", "--minutes", "1", "--seed", "11", "--agents", "2", "--no-record", "--json"],
    { cwd: tmpdir(), env: environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  const { code, stdout, stderr } = await outcomeOf(child);
  if (code !== 0) throw new Error(stderr);
  const { violations, measured } = JSON.parse(
    stdout.trim().split("\n").at(-1) ?? "",
  ) as StormResult;
  expect(violations).toEqual([]);
  // That the faults really struck, and that work went on beside them.
  expect(sum(measured.kills)).toBeGreaterThan(2);
  expect(sum(measured.points)).toBeGreaterThan(0);
  expect(sum(measured.network)).toBeGreaterThan(20);
  expect(measured.changes).toBeGreaterThan(300);
  expect(measured.writes).toBeGreaterThan(300);
}, 360_000);
