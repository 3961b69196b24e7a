/**
 * Life of an agent, as data. Draining stops everything that brings new work at once; what is in hand gets the deadline, and
 * what is not finished by then is given back, not left to expire.
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

/** Part of the drain deadline that is kept for giving back and closing after work has been cut off. */
const SHARE_FOR_CLOSING = 0.25;

export interface DrainPlan {
  /** Work in hand may go on this long. */
  readonly finishMs: number;
  /** Then lanes are given back and connections closed within this. */
  readonly closeMs: number;
}

export function drainPlan(deadlineMs: number): DrainPlan {
  const closeMs = Math.round(deadlineMs * SHARE_FOR_CLOSING);
  return { finishMs: deadlineMs - closeMs, closeMs };
}
