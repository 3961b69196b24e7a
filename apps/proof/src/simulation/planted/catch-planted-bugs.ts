import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PlantedBug } from "../run/planted-bug";
import { FIRST_HOSTILE_SEED, isHostileSeed } from "../plan/hostile-plan";
import { regressionSeeds } from "../plan/regression-seeds";
import type { SeedOutcome } from "../run/seed-outcome";
import { bundleShard } from "../run/shard-bundle";
import { runShard } from "../run/shard-process";

export interface BugVerdict {
  readonly bug: PlantedBug;
  readonly caught: boolean;
  /** Seeds run until it was caught, or all of them. */
  readonly seeds: number;
  readonly by: string;
}

/** Far more than seeds take on a busy machine: being slow must not count as being caught. */
const LONGEST_MS_PER_SEED = 1_000;
const LONGEST_MS = 60_000;

/** Runs seeds against each bug until one fails. A process that ends early or never is a catch as well. */
export async function catchPlantedBugs(
  bugs: readonly PlantedBug[],
  mostSeeds: number,
  onVerdict: (verdict: BugVerdict) => void,
): Promise<BugVerdict[]> {
  const directory = mkdtempSync(path.join(tmpdir(), "postern-planted-"));
  const verdicts: BugVerdict[] = [];
  try {
    for (const [index, bug] of bugs.entries()) {
      const bundle = path.join(directory, `bug-${index}.js`);
      await bundleShard(bundle, bug);
      const seeds = seedsFor(bug, mostSeeds);
      const outcomes: SeedOutcome[] = [];
      const { code, errors } = await runShard({
        bundle,
        args: ["--seeds", seeds.join(","), "--until-failure"],
        timeoutMs: LONGEST_MS + LONGEST_MS_PER_SEED * seeds.length,
        onOutcome: (outcome) => outcomes.push(outcome),
      });
      const failed = outcomes.find(({ problems }) => problems.length > 0);
      const verdict: BugVerdict = {
        bug,
        caught: failed !== undefined || code !== 0,
        seeds: outcomes.length,
        by:
          failed === undefined
            ? code === 0
              ? ""
              : `the process ended: ${errors}`
            : `seed ${failed.seed}: ${failed.problems[0] ?? ""}`,
      };
      verdicts.push(verdict);
      onVerdict(verdict);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return verdicts;
}

/** Seeds that found something before are the likeliest to find it again. */
function seedsFor({ hostile = false }: PlantedBug, most: number): number[] {
  const known = regressionSeeds
    .map(({ seed }) => seed)
    .filter((seed) => isHostileSeed(seed) === hostile);
  const first = hostile ? FIRST_HOSTILE_SEED : 1;
  const others = Array.from({ length: most }, (_, index) => first + index);
  return [...new Set([...known, ...others])].slice(0, most);
}
