/**
 * Named points of the work, published on `node:diagnostics_channel` for anything that wants to observe: a profiler, a
 * debugger, a test that ends the process exactly there. Without a subscriber a point costs one comparison; no
 * subscriber can change what happens next, and the product has none of its own.
 */
import { channel } from "node:diagnostics_channel";

export const agentPointChannel = "postern:agent:point";
export const cloudPointChannel = "postern:cloud:point";

/** What an agent does with a unit, in order; the first three are one transaction of an SQL target. */
export const agentSteps = ["inbox", "write", "commit", "ledger", "report", "settle"] as const;
/** What a page run does, in order, and what the results consumer does last. */
export const cloudSteps = [
  "claim",
  "index",
  "enqueue",
  "commit",
  "continuation",
  "marker",
] as const;

export type AgentPoint = `${"before" | "after"}-${(typeof agentSteps)[number]}`;
export type CloudPoint = `${"before" | "after"}-${(typeof cloudSteps)[number]}`;

export interface PointEvent {
  readonly point: AgentPoint | CloudPoint;
}

const agentChannel = channel(agentPointChannel);
const cloudChannel = channel(cloudPointChannel);

export function agentPoint(point: AgentPoint): void {
  if (agentChannel.hasSubscribers) agentChannel.publish({ point } satisfies PointEvent);
}

export function cloudPoint(point: CloudPoint): void {
  if (cloudChannel.hasSubscribers) cloudChannel.publish({ point } satisfies PointEvent);
}
