import pc from "picocolors";
import { agentsJoin } from "./agents-join";
import { ChaosStage } from "./chaos-stage";
import { type ChaosOptions, chaosUsage, parseChaosOptions } from "./chaos-options";
import { killPoints } from "./kill-points";
import { outages } from "./outages";
import { appendProof } from "./proof-line";
import type { ScenarioResult } from "./scenario";
import { storm } from "./storm";

type Environment = Readonly<Record<string, string | undefined>>;

/** Changes a second: what the smallest machine of CI works off beside the faults; more where agents share the work. */
const CHANGES_PER_SECOND = 40;
const SHARED_CHANGES_PER_SECOND = 250;
const SHARED_PEOPLE = 1_500;
const DEFAULT_PEOPLE = 150;
const MOST_SHOWN = 20;

/** `npm run chaos`: answers the exit code, 1 when something was violated. */
export async function chaos(
  argv: readonly string[],
  environment: Environment,
  directory: string,
): Promise<number> {
  const options = parseChaosOptions(argv, directory, Date.now());
  if (options === "help") {
    process.stdout.write(`${chaosUsage}\n`);
    return 0;
  }
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const agents = agentsOf(options);
  say(
    `${pc.bold("Chaos")}: ${options.scenario}, seed ${options.seed}, ${agents} agent${agents === 1 ? "" : "s"}, lock 5 s`,
  );
  const stage = await ChaosStage.start({
    seed: options.seed,
    agents,
    people: options.people ?? (options.scenario === "agents" ? SHARED_PEOPLE : DEFAULT_PEOPLE),
    changesPerSecond:
      options.scenario === "agents" ? SHARED_CHANGES_PER_SECOND : CHANGES_PER_SECOND,
    renamesOnly: options.scenario !== "storm",
    data: options.data,
    environment,
    say: (text) => say(`  ${text}`),
  });
  let failed = true;
  try {
    const result = await play(stage, options);
    failed = result.violations.length > 0;
    if (options.record)
      appendProof({
        scenario: options.scenario,
        seed: options.seed,
        seconds: result.seconds,
        violations: result.violations.length,
        measured: { agents, ...result.measured },
      });
    summarise(result, say);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    return failed ? 1 : 0;
  } finally {
    if (failed)
      say(
        `\nSeed ${options.seed}. What was done: ${stage.history.file}; everything else: ${stage.data.root}\nAgain: npm run chaos -- ${argv.filter((word) => word !== "--").join(" ")}${argv.includes("--seed") ? "" : ` --seed ${options.seed}`}`,
      );
    await stage.close(failed);
  }
}

function agentsOf({ scenario, agents }: ChaosOptions): number {
  switch (scenario) {
    case "storm":
    case "outages":
      return agents;
    case "kill-points":
      return 1;
    case "agents":
      return 4;
  }
}

function play(stage: ChaosStage, options: ChaosOptions): Promise<ScenarioResult> {
  switch (options.scenario) {
    case "storm":
      return storm(stage, options.minutes * 60);
    case "kill-points":
      return killPoints(stage, options.kills);
    case "agents":
      return agentsJoin(stage, options.minutes * 60);
    case "outages":
      return outages(stage, options.scale);
  }
}

function summarise(result: ScenarioResult, say: (text: string) => void): void {
  say("");
  for (const [name, value] of Object.entries(result.measured))
    say(`  ${name.padEnd(24)} ${typeof value === "string" ? value : JSON.stringify(value)}`);
  say(`  ${"seconds under faults".padEnd(24)} ${result.seconds}`);
  if (result.violations.length === 0) {
    say(`${pc.green("✔")} nothing lost, nothing twice, nothing silent`);
    return;
  }
  say(`${pc.red("✖")} ${result.violations.length} violations`);
  for (const violation of result.violations.slice(0, MOST_SHOWN)) say(`    ${violation}`);
}
