import pc from "picocolors";
import { OptionsError, readFlags } from "@postern/local";
import type { Environment } from "../kit/environment";
import { measureAgent } from "./agent-measures";
import { measureBundleLoad } from "./bundle-load";
import type { Measure } from "./measure";
import { measureIdleAndSingle, measureFirstCycle } from "./platform-measures";
import { measurePickup } from "./pickup-measures";

interface Section {
  readonly title: string;
  readonly run: (environment: Environment, say: (text: string) => void) => Promise<Measure[]>;
}

const sections: readonly Section[] = [
  { title: "Agent against a bare SDK loop", run: measureAgent },
  { title: "Pickup by an idle agent", run: measurePickup },
  { title: "Platform at rest, one change at a time", run: measureIdleAndSingle },
  { title: "First cycle of 20,000 people", run: measureFirstCycle },
  { title: "Cold load of the functions bundle", run: measureBundleLoad },
];

export const benchUsage = `npm run bench -- [--only TEXT] [--json]

  --only TEXT  run only the sections that have TEXT in their title:
${sections.map(({ title }) => `               ${title}`).join("\n")}
  --json       one JSON object per figure on stdout`;

const flags = {
  json: { type: "boolean" },
  only: { type: "string" },
  help: { type: "boolean" },
} as const;

/**
 * `npm run bench`: every figure beside its budget.
 *
 * @returns the exit code: 1 when a budget is broken
 * @throws OptionsError naming the flag and the problem
 */
export async function bench(argv: readonly string[], environment: Environment): Promise<number> {
  const values = readFlags(argv, flags);
  if (values.help === true) {
    process.stdout.write(`${benchUsage}\n`);
    return 0;
  }
  const chosen = sections.filter(
    ({ title }) =>
      values.only === undefined || title.toLowerCase().includes(values.only.toLowerCase()),
  );
  if (chosen.length === 0)
    throw new OptionsError(
      `--only: no section has '${values.only ?? ""}' in its title; there are: ${sections.map(({ title }) => title).join("; ")}`,
    );
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const all: Measure[] = [];
  for (const { title, run } of chosen) {
    say(`${title} ...`);
    const measures = await run(environment, (text) => say(`  ${text}`));
    for (const measure of measures) {
      all.push(measure);
      process.stdout.write(values.json === true ? `${JSON.stringify(measure)}\n` : row(measure));
    }
  }
  return all.every(({ ok }) => ok) ? 0 : 1;
}

function row({ name, value, unit, budget, ok }: Measure): string {
  const mark = budget === "reported" ? " " : ok ? pc.green("✔") : pc.red("✖");
  return `${mark} ${name.padEnd(42)} ${String(value).padStart(10)} ${unit.padEnd(11)} ${pc.dim(budget)}\n`;
}
