import pc from "picocolors";
import type { Environment } from "../kit/environment";
import { agentsJoin } from "./scenarios/agents-join";
import { ChaosStage } from "./stage/chaos-stage";
import { type ChaosOptions, chaosUsage, parseChaosOptions } from "./chaos-options";
import { killPlans, killPoints } from "./scenarios/kill-points";
import { outages } from "./scenarios/outages";
import { poison } from "./scenarios/poison";
import { endsProcess } from "./scenarios/poison-kinds";
import { appendProof, defaultResultsFile } from "./proof-line";
import type { ScenarioResult } from "./scenarios/scenario";
import { storm } from "./scenarios/storm";
import { secondTarget, targetDown } from "./scenarios/target-down";

/** Changes a second: what the smallest machine of CI works off beside the faults; more where agents share the work. */
const CHANGES_PER_SECOND = 40;
const SHARED_CHANGES_PER_SECOND = 250;
const SHARED_PEOPLE = 1_500;
const DEFAULT_PEOPLE = 150;
const MOST_SHOWN = 20;

/** As shells have it for a program that was ended by Ctrl-C. */
const INTERRUPTED = 130;

/**
 * `npm run chaos`.
 *
 * @returns the exit code: 1 when something is violated, 130 when the run is interrupted without that
 * @throws OptionsError naming the flag and the problem
 */
export async function chaos(
  argv: readonly string[],
  environment: Environment,
  directory: string,
  interrupted: AbortSignal,
): Promise<number> {
  const options = parseChaosOptions(argv, directory, {
    clockMs: Date.now(),
    defaultResults: defaultResultsFile(),
  });
  if (options === "help") {
    process.stdout.write(`${chaosUsage}\n`);
    return 0;
  }
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const agents = agentsOf(options);
  say(
    `${pc.bold("Chaos")}: ${options.scenario}, seed ${options.seed}, ${agents} agent${agents === 1 ? "" : "s"}, ${options.target}, lock 5 s`,
  );
  const stage = await ChaosStage.start({
    seed: options.seed,
    agents,
    people: options.people ?? (options.scenario === "agents" ? SHARED_PEOPLE : DEFAULT_PEOPLE),
    changesPerSecond:
      options.scenario === "agents" ? SHARED_CHANGES_PER_SECOND : CHANGES_PER_SECOND,
    renamesOnly: options.scenario !== "storm",
    data: options.data,
    target: options.target,
    ...(options.scenario === "target-down" ? { secondTarget } : {}),
    ...(options.scenario === "poison" ? { endOnValue: endsProcess } : {}),
    environment,
    interrupted,
    say: (text) => say(`  ${text}`),
  });
  let failed = true;
  try {
    const result = await play(stage, options);
    failed = result.violations.length > 0;
    if (options.results !== undefined)
      appendProof(options.results, {
        scenario: options.scenario,
        seed: options.seed,
        seconds: result.seconds,
        violations: result.violations.length,
        ...(interrupted.aborted ? { cutShort: true } : {}),
        measured: {
          agents,
          ...(options.target === "sqlite" ? {} : { target: options.target }),
          ...result.measured,
        },
      });
    summarise(result, interrupted.aborted, say);
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ ...result, ...(interrupted.aborted ? { cutShort: true } : {}) })}\n`,
      );
    if (failed) return 1;
    return interrupted.aborted ? INTERRUPTED : 0;
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
    case "functions-kill-points":
    case "poison":
    case "target-down":
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
      return killPoints(stage, killPlans.agent, options.kills);
    case "functions-kill-points":
      return killPoints(stage, killPlans.functions, options.kills);
    case "agents":
      return agentsJoin(stage, options.minutes * 60);
    case "outages":
      return outages(stage, options.scale);
    case "poison":
      return poison(stage, options.items);
    case "target-down":
      return targetDown(stage, options.minutes * 60);
  }
}

function summarise(result: ScenarioResult, cutShort: boolean, say: (text: string) => void): void {
  say("");
  for (const [name, value] of Object.entries(result.measured))
    if (value !== undefined)
      say(`  ${name.padEnd(24)} ${typeof value === "string" ? value : JSON.stringify(value)}`);
  say(`  ${"seconds under faults".padEnd(24)} ${result.seconds}`);
  if (cutShort) say(`${pc.yellow("!")} cut short: what was measured until then`);
  if (result.violations.length === 0) {
    if (cutShort) return;
    say(`${pc.green("✔")} nothing lost, nothing twice, nothing silent`);
    return;
  }
  say(`${pc.red("✖")} ${result.violations.length} violations`);
  for (const violation of result.violations.slice(0, MOST_SHOWN)) say(`    ${violation}`);
}
