import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { catchPlantedBugs } from "../../src/simulation/planted/catch-planted-bugs";
import { FIRST_HOSTILE_SEED } from "../../src/simulation/plan/hostile-plan";
import { makePlan } from "../../src/simulation/plan/plan";
import { plantedBugs } from "../../src/simulation/planted/planted-bugs";
import { regressionSeeds } from "../../src/simulation/plan/regression-seeds";
import { runPlan } from "../../src/simulation/run/run-seed";
import type { SeedOutcome } from "../../src/simulation/run/seed-outcome";
import { plantedSource } from "../../src/simulation/run/planted-bug";
import { bundleShard } from "../../src/simulation/run/shard-bundle";
import { runShard } from "../../src/simulation/run/shard-process";

const SEEDS = 950;
const HOSTILE_SEEDS = 50;
const PROCESSES = 2;
/** A bound on a hang, not a measurement: a busy machine runs two seeds a second. */
const LONGEST_MS = 1_200_000;

let directory: string;
let bundle: string;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "postern-simulation-"));
  bundle = path.join(directory, "shard.js");
  await bundleShard(bundle);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function failuresOf(seeds: readonly number[]): Promise<string[]> {
  const outcomes: SeedOutcome[] = [];
  const ends = await Promise.all(
    Array.from({ length: PROCESSES }, (_, process) => {
      const share = seeds.filter((__, index) => index % PROCESSES === process);
      return runShard({
        bundle,
        args: ["--seeds", share.join(",")],
        timeoutMs: LONGEST_MS,
        onOutcome: (outcome) => outcomes.push(outcome),
      });
    }),
  );
  expect(ends.map(({ errors }) => errors)).toEqual(["", ""]);
  expect(outcomes.map(({ seed }) => seed).toSorted((a, b) => a - b)).toEqual(
    seeds.toSorted((a, b) => a - b),
  );
  return outcomes
    .filter(({ problems }) => problems.length > 0)
    .map(
      ({ seed, problems }) => `npm run simulate -- --seed ${seed} --lines: ${problems[0] ?? ""}`,
    );
}

test(
  "a thousand seeds, each of hundreds of items and some thirty faults, fifty with a hostile agent, break no promise",
  async () => {
    const seeds = [
      ...Array.from({ length: SEEDS }, (_, index) => index + 1),
      ...Array.from({ length: HOSTILE_SEEDS }, (_, index) => FIRST_HOSTILE_SEED + index),
    ];
    expect(await failuresOf(seeds)).toEqual([]);
  },
  LONGEST_MS,
);

test(
  "what the simulation has found before stays fixed",
  async () => {
    expect(await failuresOf(regressionSeeds.map(({ seed }) => seed))).toEqual([]);
  },
  LONGEST_MS,
);

test("one seed is one run: the same history to the last line", async () => {
  for (const seed of [7, FIRST_HOSTILE_SEED]) {
    const first = await runPlan(makePlan(seed), { keepLines: true });
    const second = await runPlan(makePlan(seed), { keepLines: true });
    expect(first.lines.length).toBeGreaterThan(1_000);
    expect(second.lines).toEqual(first.lines);
  }
});

describe("planted bugs", () => {
  test.each(plantedBugs.map((bug) => [bug.name, bug] as const))(
    "'%s' can still be planted",
    (_, bug) => {
      expect(plantedSource(bug)).toContain(bug.to);
    },
  );

  test(
    "a sample of them is caught within five seeds",
    async () => {
      const sample = plantedBugs.filter(({ name }) =>
        [
          ...["settle before report", "commit before enqueue", "version used twice"],
          ...["code not compared", "results not checked"],
        ].includes(name),
      );
      const verdicts = await catchPlantedBugs(sample, 5, () => undefined);
      expect(verdicts.map(({ bug, caught }) => [bug.name, caught])).toEqual(
        sample.map(({ name }) => [name, true]),
      );
    },
    LONGEST_MS,
  );
});
