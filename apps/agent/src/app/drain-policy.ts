/**
 * The life of an agent, as data. A drain stops everything that brings new work; work in hand may go on until the
 * deadline, and what is not finished by then is given back, not left to expire.
 */
import { defineStateModel } from "@postern/contracts";

export const lifecycleModel = defineStateModel({
  name: "agent",
  initial: "starting",
  states: ["starting", "running", "draining", "stopped"],
  transitions: [
    { from: "starting", on: "started", to: "running" },
    { from: "starting", on: "stop", to: "draining" },
    { from: "running", on: "stop", to: "draining" },
    { from: "draining", on: "drained", to: "stopped" },
    { from: "draining", on: "deadline", to: "stopped" },
  ],
});

export type LifecycleState = (typeof lifecycleModel)["states"][number];

/** Share of the drain deadline that is reserved for giving back and closing after work was cut off. */
const SHARE_FOR_CLOSING = 0.25;

export interface DrainPlan {
  /** How long work in hand may go on. */
  readonly finishMs: number;
  /** How long giving back lanes and closing connections may take after that. */
  readonly closeMs: number;
}

export function drainPlan(deadlineMs: number): DrainPlan {
  const closeMs = Math.round(deadlineMs * SHARE_FOR_CLOSING);
  return { finishMs: deadlineMs - closeMs, closeMs };
}
