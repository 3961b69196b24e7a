import type { Plan } from "../plan/plan";
import { makePlan } from "../plan/plan";
import { runPlan, type SeedResult } from "./run-seed";

/** What is kept of a seed. */
export interface SeedOutcome {
  readonly seed: number;
  readonly items: number;
  readonly faults: number;
  readonly durationMs: number;
  readonly problems: readonly string[];
  readonly struck: Readonly<Record<string, number>>;
}

export async function runSeed(seed: number): Promise<SeedOutcome> {
  const beganMs = performance.now();
  const { items, faults, problems, struck } = await runPlan(makePlan(seed));
  return { seed, items, faults, problems, struck, durationMs: performance.now() - beganMs };
}

/** Which parts of a plan are left: positions in its lists. */
export interface Cut {
  readonly faults: readonly number[];
  readonly changes: readonly number[];
}

export function cutPlan(plan: Plan, cut: Cut): Plan {
  const faults = new Set(cut.faults);
  const changes = new Set(cut.changes);
  return {
    ...plan,
    faults: plan.faults.filter((_, index) => faults.has(index)),
    changes: plan.changes.filter((_, index) => changes.has(index)),
  };
}

/** `0-3,7` and back: short enough for a command line. */
export function rangesText(positions: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < positions.length; index += 1) {
    const first = positions[index] ?? 0;
    let last = first;
    while (positions[index + 1] === last + 1) {
      last += 1;
      index += 1;
    }
    parts.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return parts.length === 0 ? "none" : parts.join(",");
}

export function parseRanges(text: string): number[] {
  if (text === "none") return [];
  return text.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    if (first === undefined || last === undefined || !Number.isInteger(first + last)) {
      throw new RangeError(`'${part}' is not a position or a range of them`);
    }
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

/** The smallest part of a failing plan that was found to fail still: parts are left out by halves, then one by one. */
export async function shrink(
  seed: number,
  mostRuns: number,
): Promise<{ readonly cut: Cut; readonly result: SeedResult }> {
  const plan = makePlan(seed);
  let cut: Cut = { faults: [...plan.faults.keys()], changes: [...plan.changes.keys()] };
  let result = await runPlan(plan);
  let runs = 0;
  for (const list of ["faults", "changes"] as const) {
    for (
      let size = Math.ceil(cut[list].length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      for (let from = 0; from < cut[list].length && runs < mostRuns;) {
        const tried = { ...cut, [list]: cut[list].toSpliced(from, size) };
        runs += 1;
        const found = await runPlan(cutPlan(plan, tried));
        if (found.problems.length === 0) {
          from += size;
          continue;
        }
        cut = tried;
        result = found;
      }
    }
  }
  return { cut, result };
}
