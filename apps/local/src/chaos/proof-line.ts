import { appendFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { workspaceRoot } from "../platform/workspace-root";

/** Where runs leave their results, one line each, so that hours of proof can be collected in pieces. */
const resultsFile = path.join(workspaceRoot(), "proof", "chaos.jsonl");

export interface ProofLine {
  readonly scenario: "storm" | "kill-points" | "agents" | "outages";
  readonly seed: number;
  /** Under faults, without start and healing. */
  readonly seconds: number;
  readonly violations: number;
  readonly measured: Readonly<Record<string, unknown>>;
}

export function appendProof(line: ProofLine): void {
  mkdirSync(path.dirname(resultsFile), { recursive: true });
  appendFileSync(resultsFile, `${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`);
}
