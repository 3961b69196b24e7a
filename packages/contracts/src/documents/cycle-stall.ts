import { z } from "zod";
import { StreamName } from "../words/entity";
import { TargetName, Timestamp } from "../words/ids";
import { limits } from "../words/limits";

/** Why nothing moves in a cycle. */
export const StallReason = z.enum([
  /** A page run ended without a continuation, or the continuation was lost. */
  "continuation-lost",
  /** A page run ended in the middle of a page: its claim has run out. */
  "claim-stale",
  /** Microsoft Graph refuses to show a stream: a person has to give the app what it lacks. */
  "source-refuses",
  /** The message that was to begin the reading of a stream was lost. */
  "start-lost",
  /** A stream has pages left to read, but its definition is disabled. */
  "definition-disabled",
  /** Everything is read; items at the target have no outcome. */
  "results-missing",
]);
export type StallReason = z.infer<typeof StallReason>;

/** What is being done about it. */
export const StallAction = z.enum([
  /** The stream was restarted from its checkpoint. */
  "restarted",
  /** Nothing can be done but wait for what `waitsFor` names. */
  "waiting",
  /** A person has to act: `detail` says how. */
  "none",
]);
export type StallAction = z.infer<typeof StallAction>;

/** The items without an outcome, where they were sent, and the agents that could take them. */
export const StallWait = z.object({
  items: z.int().min(0),
  /** Of these: those that wait for a retry of their own. */
  retrying: z.int().min(0),
  /** Of these: those that wait for an agent of a version that reads them. */
  parked: z.int().min(0),
  target: TargetName,
  queue: z.string().max(130),
  /** Agents of the group that are online, and those of them that reach the target. */
  agentsOnline: z.int().min(0),
  agentsReaching: z.int().min(0),
});
export type StallWait = z.infer<typeof StallWait>;

/** The mark on a cycle in which nothing moves. The cycle watch sets it, keeps it true, and takes it away. */
export const CycleStall = z.object({
  reason: StallReason,
  /** When something moved last. */
  since: Timestamp,
  /** When the watch saw that nothing moves. */
  noticedAt: Timestamp,
  /** The streams that stand; empty when everything is read. */
  streams: z.array(StreamName).max(StreamName.options.length),
  action: StallAction,
  /** How often the streams were restarted, and when last. */
  restarts: z.int().min(0),
  restartedAt: Timestamp.nullable(),
  waitsFor: StallWait.nullable(),
  /** All of it in a sentence or two, for a person. */
  detail: z.string().max(limits.reasonChars),
});
export type CycleStall = z.infer<typeof CycleStall>;
