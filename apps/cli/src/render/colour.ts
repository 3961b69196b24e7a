import { styleText } from "node:util";

export type Tone = "good" | "bad" | "warn" | "dim" | "strong" | "none";

const styles = {
  good: "green",
  bad: "red",
  warn: "yellow",
  dim: "dim",
  strong: "bold",
} as const;

export function tint(text: string, tone: Tone, colours: boolean): string {
  if (!colours || tone === "none" || text === "") return text;
  return styleText(styles[tone], text, { validateStream: false });
}

const tones: Readonly<Record<string, Tone>> = {
  ok: "good",
  completed: "good",
  succeeded: "good",
  online: "good",
  "in step": "good",
  reachable: "good",
  running: "none",
  queued: "dim",
  replayed: "dim",
  discarded: "dim",
  superseded: "dim",
  "already-replayed": "dim",
  "already-discarded": "dim",
  stalled: "warn",
  parked: "warn",
  sent: "dim",
  "half-open": "warn",
  draining: "warn",
  behind: "warn",
  disabled: "dim",
  open: "bad",
  failed: "bad",
  degraded: "bad",
  offline: "bad",
  unreachable: "bad",
  "timed-out": "bad",
  "outcome-unknown": "bad",
  refused: "bad",
  "not-found": "bad",
};

/** Tone of a state, the same wherever the state is shown. */
export function toneOf(state: string): Tone {
  return tones[state] ?? "none";
}
