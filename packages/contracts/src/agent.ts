import { z } from "zod";
import { AgentId, BranchId, GroupName, JobId, TargetName, Timestamp } from "./words/ids";
import { limits } from "./words/limits";

/** What an agent last found out about a target, by a live probe. */
export const TargetHealth = z.object({
  name: TargetName,
  connector: z.string().max(40),
  state: z.enum(["reachable", "unreachable", "half-open"]),
  /** For a person, when it is not reachable. */
  reason: z.string().max(limits.failureChars).optional(),
  probedAt: Timestamp,
});
export type TargetHealth = z.infer<typeof TargetHealth>;

/** Sent every 10 s; the first one registers the agent. */
export const Heartbeat = z.object({
  group: GroupName,
  branch: BranchId,
  host: z.string().max(255),
  /** Version of the agent program. */
  version: z.string().max(40),
  /** Message types with the highest minor that it reads. */
  capabilities: z.array(z.string().max(100)).max(50),
  startedAt: Timestamp,
  state: z.enum(["running", "draining", "stopping"]),
  targets: z.array(TargetHealth).max(200),
  /** Work items finished since the agent started. */
  itemsFinished: z.int().min(0),
  lanesHeld: z.int().min(0),
  jobs: z
    .array(
      z.object({
        jobId: JobId,
        attempt: z.int().min(1),
        progress: z.string().max(500).optional(),
      }),
    )
    .max(1_000),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

export const HeartbeatReply = z.object({
  /** Jobs to stop. */
  cancellations: z.array(JobId).max(1_000),
  /** When the next heartbeat is wanted. */
  nextHeartbeatMs: z.int().min(1_000).max(300_000),
});
export type HeartbeatReply = z.infer<typeof HeartbeatReply>;

/** An agent as stored and listed. It counts as `offline` when three heartbeats are missing. */
export const AgentView = Heartbeat.extend({
  id: AgentId,
  registeredAt: Timestamp,
  lastSeenAt: Timestamp,
  online: z.boolean(),
});
export type AgentView = z.infer<typeof AgentView>;

export const heartbeatIntervalMs = 10_000;
/** Three missed heartbeats: one may be lost to a restart of the functions, two to a network change. */
export const offlineAfterMs = 3 * heartbeatIntervalMs + 5_000;
