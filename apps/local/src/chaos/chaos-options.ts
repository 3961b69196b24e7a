import { parseArgs } from "node:util";
import path from "node:path";
import { OptionsError } from "../options";

/** What `npm run chaos` was asked for. */
export interface ChaosOptions {
  readonly scenario: "storm" | "kill-points" | "agents" | "outages";
  readonly minutes: number;
  readonly seed: number;
  readonly agents: number;
  /** Kills of the scenario `kill-points`. */
  readonly kills: number;
  /** Share of the full list of outages. */
  readonly scale: number;
  readonly people: number | undefined;
  readonly data: string | undefined;
  /** Whether the result goes to the proof folder. */
  readonly record: boolean;
  readonly json: boolean;
}

export const chaosUsage = `npm run chaos -- [--minutes N] [--seed S] [--agents 1-4] [--people N] [--data DIR] [--no-record] [--json]
npm run chaos -- --kill-points N | --agents-join | --outages SCALE  [--seed S] ...

  --minutes N      faults for this long (default 1); start and healing come on top
  --seed S         what is drawn from it: faults, their order and moments, changes (default: by the clock, and shown)
  --agents N       agents at work, 1 to 4 (default: by the seed)
  --people N       size of the tenant (default 150; 1,500 with --agents-join)
  --kill-points N  N times kill -9 of the agent, spread over all named points
  --agents-join    two and four agents join, leave and pause; share and failover are measured; --minutes long
  --outages SCALE  broker and Cosmos cut 10 x 30 s and 40 x 2 s, times SCALE (0.1: one and four)
  --data DIR       keep everything here; default: a temporary directory, kept when something is violated
  --no-record      do not append the result to proof/chaos.jsonl
  --json           the result as one JSON object on stdout`;

const flags = {
  minutes: { type: "string" },
  seed: { type: "string" },
  agents: { type: "string" },
  people: { type: "string" },
  "kill-points": { type: "string" },
  "agents-join": { type: "boolean" },
  outages: { type: "string" },
  data: { type: "string" },
  "no-record": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

function number(
  name: string,
  text: string | undefined,
  bounds: { least: number; most: number; whole: boolean; otherwise: number },
): number {
  if (text === undefined) return bounds.otherwise;
  const value = Number(text);
  const fits = text.trim() !== "" && value >= bounds.least && value <= bounds.most;
  if (!fits || (bounds.whole && !Number.isInteger(value)))
    throw new OptionsError(
      `--${name}: '${text}' is not a ${bounds.whole ? "whole " : ""}number from ${bounds.least} to ${bounds.most}`,
    );
  return value;
}

const MAX_SEED = 2 ** 31 - 1;

export function parseChaosOptions(
  argv: readonly string[],
  directory: string,
  clockMs: number,
): ChaosOptions | "help" {
  const { values } = parseArgs({ args: [...argv], options: flags, strict: true });
  if (values.help === true) return "help";
  const chosen = [values["kill-points"], values["agents-join"], values.outages].filter(
    (value) => value !== undefined,
  );
  if (chosen.length > 1)
    throw new OptionsError("--kill-points, --agents-join and --outages exclude each other");
  const seed = number("seed", values.seed, {
    least: 0,
    most: MAX_SEED,
    whole: true,
    otherwise: Math.floor(clockMs / 1_000) % MAX_SEED,
  });
  return {
    scenario:
      values["kill-points"] !== undefined
        ? "kill-points"
        : values["agents-join"] === true
          ? "agents"
          : values.outages !== undefined
            ? "outages"
            : "storm",
    minutes: number("minutes", values.minutes, {
      least: 0.1,
      most: 24 * 60,
      whole: false,
      otherwise: 1,
    }),
    seed,
    agents: number("agents", values.agents, {
      least: 1,
      most: 4,
      whole: true,
      otherwise: 1 + (seed % 4),
    }),
    kills: number("kill-points", values["kill-points"], {
      least: 1,
      most: 100_000,
      whole: true,
      otherwise: 0,
    }),
    scale: number("outages", values.outages, { least: 0.05, most: 10, whole: false, otherwise: 1 }),
    people:
      values.people === undefined
        ? undefined
        : number("people", values.people, { least: 20, most: 20_000, whole: true, otherwise: 0 }),
    data: values.data === undefined ? undefined : path.resolve(directory, values.data),
    record: values["no-record"] !== true,
    json: values.json ?? false,
  };
}
