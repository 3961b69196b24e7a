import { appendFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { workspaceRoot } from "@postern/local";
import type { ScenarioName } from "./chaos-options";

/** Where runs leave their results, one line each, so that hours of proof can be collected in pieces. */
export function defaultResultsFile(): string {
  return path.join(workspaceRoot(), "proof", "chaos.jsonl");
}

export interface ProofLine {
  readonly scenario: ScenarioName;
  readonly seed: number;
  /** Under faults, without start and healing. */
  readonly seconds: number;
  readonly violations: number;
  /** Ended by a signal: what was measured until then, and nothing waited for until it was in step. */
  readonly cutShort?: true;
  readonly measured: Readonly<Record<string, unknown>>;
}

export function appendProof(file: string, line: ProofLine): void {
  mkdirSync(path.dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`);
}
