/**
 * Whether a work message that a queue accepts is one that the cloud may send: its versions were given out, its items
 * are what their ids and hashes say, and what goes out again is what went out before.
 */
import {
  contentHash,
  type DefinitionId,
  itemIdOf,
  laneOf,
  type WorkMessage,
} from "@postern/contracts";
import type { QueuedMessage } from "../services/fake-queue";

/** Two hours, and what clocks of the cloud may be apart. */
const LONGEST_PAUSE_MS = 2 * 3_600_000 + 60_000;
const CLOCKS_MS = 120_000;

export interface Provenance {
  /** Whose work the queue carries. */
  readonly definition: DefinitionId;
  readonly issued: number;
  readonly nowMs: number;
  /** Undefined for an item that was never sent. */
  readonly firstSentMs: (itemId: string) => number | undefined;
}

export function provenanceProblems(
  { messageId, sessionId, enqueuedAtMs }: QueuedMessage,
  work: WorkMessage,
  { definition, issued, nowMs, firstSentMs }: Provenance,
): string[] {
  const problems: string[] = [];
  const again = messageId.includes("~");
  for (const item of work.items) {
    const sentMs = firstSentMs(item.itemId);
    if (work.definition !== definition && sentMs === undefined) {
      problems.push(`${messageId} brings work of '${work.definition}' to another group`);
    }
    if (again && sentMs === undefined) {
      problems.push(`${messageId} sends again what was never sent: ${item.itemId}`);
    }
    if (item.version > issued && sentMs !== -Infinity) {
      problems.push(`${item.itemId} has a version that was never given out`);
    }
    if (itemIdOf(work.definition, item.entity, item.version) !== item.itemId) {
      problems.push(`${item.itemId} is not the item that its id says`);
    }
    if (contentHash(item) !== item.hash) {
      problems.push(`two contents under one version: ${item.itemId}`);
    }
    if (laneOf(work.definition, item.entity) !== sessionId) {
      problems.push(`${item.itemId} travels in the lane of others, '${sessionId}'`);
    }
    problems.push(...timeProblems(messageId, work, { nowMs, sentMs, enqueuedAtMs }));
  }
  return problems;
}

function timeProblems(
  messageId: string,
  { firstAttemptAt }: WorkMessage,
  times: {
    readonly nowMs: number;
    readonly sentMs: number | undefined;
    readonly enqueuedAtMs: number;
  },
): string[] {
  const { nowMs, sentMs = nowMs, enqueuedAtMs } = times;
  const problems: string[] = [];
  if (enqueuedAtMs - nowMs > LONGEST_PAUSE_MS) {
    problems.push(`${messageId} is put off for too long`);
  }
  if (firstAttemptAt === undefined) return problems;
  const atMs = Date.parse(firstAttemptAt);
  if (atMs > nowMs + CLOCKS_MS || atMs < sentMs - CLOCKS_MS) {
    problems.push(`${messageId} says that its first attempt was at ${firstAttemptAt}`);
  }
  return problems;
}
