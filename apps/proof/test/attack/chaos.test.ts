import { expect, test } from "@jest/globals";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { outcomeOf } from "../scenes/platform-run";

const program = path.resolve(__dirname, "../../dist/main.js");

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

function startChaos(...argv: string[]): ChildProcess {
  const { NODE_OPTIONS: _ours, ...environment } = process.env;
  return spawn(process.execPath, [program, "chaos", ...argv], {
    cwd: tmpdir(),
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("a minute of kills, stops and network faults: nothing lost, nothing twice, nothing silent", async () => {
  const fixed = ["--minutes", "1", "--seed", "11", "--agents", "2"];
  const child = startChaos(...fixed, "--no-record", "--json");
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

test("Ctrl-C ends a run early, with the result so far where it was asked for", async () => {
  const results = path.join(mkdtempSync(path.join(tmpdir(), "postern-chaos-")), "results.jsonl");
  const child = startChaos("--minutes", "30", "--seed", "3", "--agents", "1", "--results", results);
  const outcome = outcomeOf(child);
  await new Promise<void>((resolve) => child.stderr?.once("data", () => resolve()));
  child.kill("SIGINT");
  const { code, stderr } = await outcome;
  if (code !== 130) throw new Error(`ended with ${code}: ${stderr}`);
  expect(stderr).toContain("cut short");
  expect(JSON.parse(readFileSync(results, "utf8"))).toMatchObject({
    scenario: "storm",
    seed: 3,
    violations: 0,
    cutShort: true,
  });
}, 120_000);

test.each([
  [["--posion"], "--posion"],
  [["--target", "oracle"], "neither sqlite nor postgres"],
])("%j is refused, and the error lists the valid values", async (argv, told) => {
  const { code, stderr } = await outcomeOf(startChaos(...argv));
  expect(code).toBe(1);
  expect(stderr).toContain(told);
  expect(stderr).toContain("--target-down");
  expect(stderr).not.toContain("    at ");
});
