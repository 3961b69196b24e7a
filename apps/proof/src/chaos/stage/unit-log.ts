import { readFileSync } from "node:fs";

/** A unit as an agent's log has it. */
export interface LoggedUnit {
  readonly agent: string;
  readonly atMs: number;
  readonly items: number;
  readonly lane: string;
  readonly target: string;
  readonly applied: number;
  /** From the unit's first step to its verdicts. */
  readonly durationMs: number;
}

/** The units that an agent brought to an end, from its log. */
export function loggedUnits(agent: string, logFile: string): LoggedUnit[] {
  const units: LoggedUnit[] = [];
  for (const line of readFileSync(logFile, "utf8").split("\n")) {
    if (!line.includes('"unit.finished"')) continue;
    try {
      const entry = JSON.parse(line) as Record<string, unknown>;
      if (entry["event"] !== "unit.finished") continue;
      const time = entry["time"];
      units.push({
        agent,
        atMs: typeof time === "number" ? time : Date.parse(String(time)),
        items: Number(entry["items"]),
        lane: String(entry["lane"]),
        target: String(entry["target"]),
        applied: Number(entry["applied"]),
        durationMs: Number(entry["durationMs"]),
      });
    } catch {
      // The last line of a process that was killed.
    }
  }
  return units;
}
