import { type NumberBounds, numberFlag, OptionsError, pathFlag, readFlags } from "@postern/local";
import { type TargetKind, targetKinds } from "./target/audited-target";

export const scenarios = [
  "storm",
  "kill-points",
  "functions-kill-points",
  "agents",
  "outages",
  "poison",
  "target-down",
] as const;
export type ScenarioName = (typeof scenarios)[number];

/** Options of `npm run chaos`. */
export interface ChaosOptions {
  readonly scenario: ScenarioName;
  readonly minutes: number;
  readonly seed: number;
  readonly agents: number;
  /** Kills of the scenarios `kill-points` and `functions-kill-points`. */
  readonly kills: number;
  /** Share of the full list of outages. */
  readonly scale: number;
  /** Of one run of the scenario `poison`. */
  readonly items: number;
  /** Kind of the target that the definition writes to. */
  readonly target: TargetKind;
  readonly people: number | undefined;
  readonly data: string | undefined;
  /** File that the result is appended to; undefined: nowhere. */
  readonly results: string | undefined;
  readonly json: boolean;
}

export const chaosUsage = `npm run chaos -- [--minutes N] [--seed S] [--agents 1-4] [--target sqlite|postgres] [--people N] [--data DIR]
                 [--results FILE | --no-record] [--json]
npm run chaos -- --kill-points N | --kill-points functions [--kills N] | --agents-join | --outages SCALE
                 | --poison [--items N] | --target-down [--minutes N]  [--seed S] ...

  --minutes N      how long faults last (default 1; 5 with --target-down), without startup and recovery
  --seed S         decides the faults, their order and times, and the changes (default: from the clock; it is printed)
  --agents N       number of agents, 1 to 4 (default: from the seed)
  --target KIND    target of the definition: sqlite (default) or postgres (the packaged server)
  --people N       size of the tenant (default 150; 1,500 with --agents-join)
  --kill-points N  kill -9 the agent N times, spread over all named points
  --kill-points functions
                   kill -9 the functions host at its named points, --kills N times (default: twice each)
  --agents-join    two and four agents join, leave and pause for --minutes N; measures share of work and failover
  --outages SCALE  cuts broker and Cosmos 10 x 30 s and 40 x 2 s, times SCALE (0.1: one and four)
  --poison         1 % poison among --items N (default 20,000), in five pairs with and without; then items that end the process
  --target-down    one of an agent's two targets is down for --minutes N (default 5), then recovers
  --data DIR       keep all files here; default: a temporary directory, kept if a promise is violated
  --results FILE   append the result to FILE instead of proof/chaos.jsonl
  --no-record      do not save the result
  --json           print the result as one JSON object on stdout

Ctrl-C ends the run early and saves the result so far, marked as cut short. A second Ctrl-C exits immediately.`;

const flags = {
  minutes: { type: "string" },
  seed: { type: "string" },
  agents: { type: "string" },
  target: { type: "string" },
  people: { type: "string" },
  "kill-points": { type: "string" },
  kills: { type: "string" },
  "agents-join": { type: "boolean" },
  outages: { type: "string" },
  poison: { type: "boolean" },
  items: { type: "string" },
  "target-down": { type: "boolean" },
  data: { type: "string" },
  results: { type: "string" },
  "no-record": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Values = ReturnType<typeof readFlags<typeof flags>>;

const MS_PER_SECOND = 1_000;
const MAX_SEED = 2 ** 31 - 1;
/** The points of the functions host are twelve. */
const DEFAULT_FUNCTIONS_KILLS = 24;
const killBounds = { least: 1, most: 100_000 };

function scenarioOf(values: Values): ScenarioName {
  const chosen: ScenarioName[] = [];
  if (values["kill-points"] !== undefined)
    chosen.push(values["kill-points"] === "functions" ? "functions-kill-points" : "kill-points");
  if (values["agents-join"] === true) chosen.push("agents");
  if (values.outages !== undefined) chosen.push("outages");
  if (values.poison === true) chosen.push("poison");
  if (values["target-down"] === true) chosen.push("target-down");
  if (chosen.length > 1)
    throw new OptionsError(
      "--kill-points, --agents-join, --outages, --poison and --target-down exclude each other",
    );
  return chosen[0] ?? "storm";
}

function killsOf(scenario: ScenarioName, values: Values): number {
  if (values.kills !== undefined && scenario !== "functions-kill-points")
    throw new OptionsError("--kills goes with --kill-points functions");
  switch (scenario) {
    case "kill-points":
      return numberFlag("kill-points", values["kill-points"] ?? "", killBounds);
    case "functions-kill-points":
      return values.kills === undefined
        ? DEFAULT_FUNCTIONS_KILLS
        : numberFlag("kills", values.kills, killBounds);
    default:
      return 0;
  }
}

function targetOf(scenario: ScenarioName, text: string | undefined): TargetKind {
  const kind = targetKinds.find((each) => each === (text ?? "sqlite"));
  if (kind === undefined)
    throw new OptionsError(`--target: '${text}' is neither ${targetKinds.join(" nor ")}`);
  if (kind !== "sqlite" && (scenario === "poison" || scenario === "target-down"))
    throw new OptionsError(`--target: --${scenario} chooses its own targets`);
  return kind;
}

/**
 * Reads the command line of `npm run chaos`.
 *
 * @param directory relative paths start here
 * @throws OptionsError naming the flag and the problem
 */
export function parseChaosOptions(
  argv: readonly string[],
  directory: string,
  at: { readonly clockMs: number; readonly defaultResults: string },
): ChaosOptions | "help" {
  const values = readFlags(argv, flags);
  if (values.help === true) return "help";
  const scenario = scenarioOf(values);
  const number = (
    name: "seed" | "minutes" | "agents" | "outages" | "items" | "people",
    bounds: NumberBounds,
  ): number | undefined => {
    const text = values[name];
    return text === undefined ? undefined : numberFlag(name, text, bounds);
  };
  const clockSeed = Math.floor(at.clockMs / MS_PER_SECOND) % MAX_SEED;
  const seed = number("seed", { least: 0, most: MAX_SEED }) ?? clockSeed;
  return {
    scenario,
    minutes:
      number("minutes", { least: 0.1, most: 24 * 60, whole: false }) ??
      (scenario === "target-down" ? 5 : 1),
    seed,
    agents: number("agents", { least: 1, most: 4 }) ?? 1 + (seed % 4),
    kills: killsOf(scenario, values),
    scale: number("outages", { least: 0.05, most: 10, whole: false }) ?? 1,
    items: number("items", { least: 1_000, most: 1_000_000 }) ?? 20_000,
    target: targetOf(scenario, values.target),
    people: number("people", { least: 20, most: 20_000 }),
    data: values.data === undefined ? undefined : pathFlag("data", values.data, directory),
    results: resultsOf(values, directory, at.defaultResults),
    json: values.json ?? false,
  };
}

function resultsOf(values: Values, directory: string, otherwise: string): string | undefined {
  const asked =
    values.results === undefined ? undefined : pathFlag("results", values.results, directory);
  if (values["no-record"] !== true) return asked ?? otherwise;
  if (asked !== undefined) throw new OptionsError("--results and --no-record exclude each other");
  return undefined;
}
