/**
 * The breaker of one target. While it is not closed, the target's queue rests: nothing is received, so no delivery is
 * counted.
 *
 * - `unproven`: the agent has just started; a probe is due.
 * - `closed`: the target answers; every lane slot may take lanes.
 * - `open`: the target does not answer; lanes are given back immediately, and probes come with growing pauses.
 * - `half-open`: a probe passed after a failure; one slot takes one lane, and its first unit decides.
 *
 * The target loop calls `stepBreaker` with each event and does what the new state requires. It changes the state in no
 * other way.
 */
import { defineStateModel, nextState } from "@postern/contracts";

export const breakerModel = defineStateModel({
  name: "target breaker",
  initial: "unproven",
  states: ["unproven", "closed", "open", "half-open"],
  transitions: [
    { from: "unproven", on: "probe-passed", to: "closed" },
    { from: "unproven", on: "probe-failed", to: "open" },
    { from: "closed", on: "target-down", to: "open" },
    { from: "open", on: "probe-passed", to: "half-open" },
    { from: "open", on: "probe-failed", to: "open" },
    { from: "half-open", on: "unit-done", to: "closed" },
    { from: "half-open", on: "target-down", to: "open" },
  ],
});

export type BreakerState = (typeof breakerModel)["states"][number];
export type BreakerEvent = (typeof breakerModel)["transitions"][number]["on"];

export interface Breaker {
  readonly state: BreakerState;
  /** Failed probes and failed half-open units in a row. */
  readonly failures: number;
}

export const newBreaker: Breaker = { state: "unproven", failures: 0 };

/** Returns the breaker after an event; the same object when the event has no meaning in its state. */
export function stepBreaker(breaker: Breaker, event: BreakerEvent): Breaker {
  const state = nextState(breakerModel, breaker.state, event);
  if (state === undefined) return breaker;
  switch (event) {
    case "probe-failed":
    case "target-down":
      return { state, failures: breaker.failures + 1 };
    case "probe-passed":
      return { state, failures: breaker.failures };
    case "unit-done":
      return { state, failures: 0 };
  }
}

/** How many lane slots of the target may take lanes. */
export function slotsAdmitted(breaker: Breaker, slots: number): number {
  switch (breaker.state) {
    case "closed":
      return slots;
    case "half-open":
      return 1;
    case "open":
    case "unproven":
      return 0;
  }
}

const FIRST_PROBE_PAUSE_MS = 500;
/** A target that is back must reach 90 % of its rate within 60 s, so probes may only be a fraction of that apart. */
const LONGEST_PROBE_PAUSE_MS = 10_000;

/**
 * Pause before the next probe, in milliseconds: 0.5 s, 1 s, 2 s … 10 s, each shortened by up to a quarter so that
 * agents do not probe in step.
 */
export function probePauseMs(breaker: Breaker, jitter: number): number {
  const doubled = FIRST_PROBE_PAUSE_MS * 2 ** Math.min(breaker.failures - 1, 10);
  return Math.min(doubled, LONGEST_PROBE_PAUSE_MS) * (1 - jitter / 4);
}
