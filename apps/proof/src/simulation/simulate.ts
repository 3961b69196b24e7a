/** `npm run simulate`: runs seeds on all cores and appends to a results file, or replays one seed, cut down. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { clip, limits } from "@postern/contracts";
import { numberFlag, readFlags, workspaceRoot } from "@postern/local";
import { catchPlantedBugs } from "./planted/catch-planted-bugs";
import { FIRST_HOSTILE_SEED, isHostileSeed } from "./plan/hostile-plan";
import { makePlan } from "./plan/plan";
import { plantedBugs } from "./planted/planted-bugs";
import { runPlan } from "./run/run-seed";
import { cutPlan, parseRanges, rangesText, type SeedOutcome, shrink } from "./run/seed-outcome";
import { bundleShard } from "./run/shard-bundle";
import { runShard } from "./run/shard-process";

export const simulateUsage = `npm run simulate -- [--hostile] [--seeds N] [--from SEED] [--workers N] [--results FILE]
npm run simulate -- --seed SEED [--faults RANGES] [--changes RANGES] [--lines]
npm run simulate -- --planted-bugs [--only TEXT] [--seeds N]

  --seeds N        number of seeds to run (with --planted-bugs: at most this many per bug); default 1,000
  --from SEED      first seed; default: the one after the last in the results file
  --hostile        seeds with a hostile agent: ${FIRST_HOSTILE_SEED.toLocaleString("en")} and after
  --results FILE   append the results to FILE; default proof/simulation.jsonl
  --workers N      number of parallel processes; default: one per core
  --seed SEED      run only this seed; --lines prints every event; --faults and --changes keep only these parts of its plan
  --planted-bugs   plant each bug and check that it is caught; writes proof/planted-bugs.jsonl
  --only TEXT      only bugs whose name contains TEXT; writes nothing`;

/** One line of the results file: a piece of the proof. */
interface ProofPiece {
  readonly from: number;
  readonly seeds: number;
  readonly failed: readonly number[];
  readonly items: number;
  readonly faults: number;
  readonly seconds: number;
  readonly at: string;
}

const PIECE_SEEDS = 1_000;
const SHRINK_RUNS = 150;
/** Failed seeds printed; the results file lists them all. */
const FAILED_PRINTED = 20;
const LONGEST_MS = 24 * 3_600_000;

const flags = {
  seeds: { type: "string" },
  from: { type: "string" },
  workers: { type: "string" },
  results: { type: "string" },
  hostile: { type: "boolean", default: false },
  seed: { type: "string" },
  faults: { type: "string" },
  changes: { type: "string" },
  lines: { type: "boolean", default: false },
  "planted-bugs": { type: "boolean", default: false },
  only: { type: "string", default: "" },
  help: { type: "boolean", default: false },
} as const;

/**
 * `npm run simulate`.
 *
 * @returns the exit code: 1 when a seed breaks a promise or a planted bug is missed
 * @throws OptionsError naming the flag and the problem
 */
export async function simulate(argv: readonly string[]): Promise<number> {
  const values = readFlags(argv, flags);
  if (values.help) {
    process.stdout.write(`${simulateUsage}\n`);
    return 0;
  }
  if (values["planted-bugs"])
    return showPlantedBugs(values.only, wholeNumber("seeds", values.seeds, 1_000));
  if (values.seed !== undefined) {
    return replay(wholeNumber("seed", values.seed, 1), values.faults, values.changes, values.lines);
  }
  const results = path.resolve(workspaceRoot(), values.results ?? "proof/simulation.jsonl");
  const seeds = wholeNumber("seeds", values.seeds, 1_000);
  const from = wholeNumber("from", values.from, nextSeed(results, values.hostile));
  return prove(
    from,
    seeds,
    wholeNumber("workers", values.workers, availableParallelism()),
    results,
  );
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  return numberFlag(name, text, { least: 1, most: Number.MAX_SAFE_INTEGER });
}

function nextSeed(results: string, hostile: boolean): number {
  const first = hostile ? FIRST_HOSTILE_SEED : 1;
  if (!existsSync(results)) return first;
  const lines = readFileSync(results, "utf8").split("\n").filter(Boolean);
  return lines.reduce((next, line) => {
    const piece = JSON.parse(line) as ProofPiece;
    if (isHostileSeed(piece.from) !== hostile) return next;
    return Math.max(next, piece.from + piece.seeds);
  }, first);
}

async function prove(
  from: number,
  seeds: number,
  workers: number,
  results: string,
): Promise<number> {
  const bundle = path.join(workspaceRoot(), "apps/proof/dist/simulation-shard.js");
  await bundleShard(bundle);
  mkdirSync(path.dirname(results), { recursive: true });
  const failed: SeedOutcome[] = [];
  const beganMs = performance.now();
  let done = 0;
  for (let first = from; first < from + seeds; first += PIECE_SEEDS) {
    const count = Math.min(PIECE_SEEDS, from + seeds - first);
    const outcomes: SeedOutcome[] = [];
    const pieceBeganMs = performance.now();
    const onOutcome = (outcome: SeedOutcome): void => {
      outcomes.push(outcome);
      done += 1;
      if (outcome.problems.length > 0) failed.push(outcome);
      if (done % 100 === 0)
        say(progressText(done, seeds, failed.length, performance.now() - beganMs));
    };
    const ends = await Promise.all(
      Array.from({ length: Math.min(workers, count) }, (_, worker) => {
        const share = Math.ceil((count - worker) / workers);
        const args = ["--from", `${first + worker}`, "--count", `${share}`, "--step", `${workers}`];
        return runShard({ bundle, args, timeoutMs: LONGEST_MS, onOutcome });
      }),
    );
    const broken = ends.find(({ code }) => code !== 0);
    if (broken !== undefined) throw new Error(`a simulation process exited: ${broken.errors}`);
    const sum = (of: (outcome: SeedOutcome) => number): number =>
      outcomes.reduce((total, outcome) => total + of(outcome), 0);
    const piece: ProofPiece = {
      from: first,
      seeds: count,
      failed: outcomes.filter(({ problems }) => problems.length > 0).map(({ seed }) => seed),
      items: sum(({ items }) => items),
      faults: sum(({ faults }) => faults),
      seconds: Math.round((performance.now() - pieceBeganMs) / 100) / 10,
      at: new Date().toISOString(),
    };
    appendFileSync(results, `${JSON.stringify(piece)}\n`);
  }
  say(progressText(done, seeds, failed.length, performance.now() - beganMs));
  for (const { seed, problems } of failed.slice(0, FAILED_PRINTED)) {
    process.stdout.write(`seed ${seed}: ${problems[0] ?? ""}\n`);
  }
  const [worst] = failed;
  if (worst === undefined) return 0;
  const { cut, result } = await shrink(worst.seed, SHRINK_RUNS);
  process.stdout.write(
    `\nSmallest plan that still fails: ${result.problems[0] ?? ""}\n` +
      `npm run simulate -- --seed ${worst.seed} --faults ${rangesText(cut.faults)} --changes ${rangesText(cut.changes)} --lines\n`,
  );
  return 1;
}

function progressText(done: number, seeds: number, failed: number, elapsedMs: number): string {
  const rate = done / (elapsedMs / 1_000);
  const leftS = Math.round((seeds - done) / Math.max(rate, 0.001));
  return `${done.toLocaleString("en")} of ${seeds.toLocaleString("en")} seeds, ${failed} failed, ${rate.toFixed(1)}/s, ${leftS} s left`;
}

async function replay(
  seed: number,
  faults: string | undefined,
  changes: string | undefined,
  lines: boolean,
): Promise<number> {
  const plan = makePlan(seed);
  const result = await runPlan(
    cutPlan(plan, {
      faults: faults === undefined ? [...plan.faults.keys()] : parseRanges(faults),
      changes: changes === undefined ? [...plan.changes.keys()] : parseRanges(changes),
    }),
    { keepLines: lines },
  );
  for (const line of result.lines) process.stdout.write(`${line}\n`);
  process.stdout.write(
    `seed ${seed}: ${result.items} items, ${result.faults} faults struck, ${result.events} events\n`,
  );
  for (const problem of result.problems) process.stdout.write(`  ${problem}\n`);
  return result.problems.length === 0 ? 0 : 1;
}

async function showPlantedBugs(only: string, mostSeeds: number): Promise<number> {
  const bugs = plantedBugs.filter(({ name }) => name.includes(only));
  const verdicts = await catchPlantedBugs(bugs, mostSeeds, ({ bug, caught, seeds, by }) => {
    process.stdout.write(
      `${caught ? "caught" : "MISSED"}  ${bug.name} (${seeds} seeds) ${clip(by, limits.quotedChars)}\n`,
    );
  });
  const caught = verdicts.filter((verdict) => verdict.caught).length;
  if (only === "") {
    // The file is rewritten in full, so that it describes the current product.
    const lines = verdicts.map(({ bug, caught: isCaught, seeds, by }) =>
      JSON.stringify({
        bug: bug.name,
        why: bug.why,
        caught: isCaught,
        seeds,
        by: clip(by, limits.loggedReasonChars),
      }),
    );
    writeFileSync(path.join(workspaceRoot(), "proof/planted-bugs.jsonl"), `${lines.join("\n")}\n`);
  }
  say(`${caught} of ${verdicts.length} planted bugs caught`);
  return caught === verdicts.length ? 0 : 1;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
