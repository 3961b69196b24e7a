/**
 * One simulating process, a child of `simulate` and of the tests: reads seeds, and writes one outcome per line. A
 * process of its own, because a planted bug may well never come back.
 */
import { parseArgs } from "node:util";
import { runSeed } from "./seed-outcome";

const { values } = parseArgs({
  options: {
    from: { type: "string" },
    count: { type: "string" },
    step: { type: "string", default: "1" },
    seeds: { type: "string" },
    "until-failure": { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  const from = Number(values.from ?? 1);
  const step = Number(values.step);
  const seeds =
    values.seeds?.split(",").map(Number) ??
    Array.from({ length: Number(values.count ?? 1) }, (_, index) => from + index * step);
  for (const seed of seeds) {
    const outcome = await runSeed(seed);
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
    if (values["until-failure"] && outcome.problems.length > 0) return;
  }
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
