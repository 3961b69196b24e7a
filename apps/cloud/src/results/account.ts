/**
 * What one proven report of a work message comes to: its count, the copies to send, the items to give up. What goes out
 * again is what the proof covers (content, group, target, version, time of the first attempt) and what is bounded here
 * (the time of the retry); the rest of a report is for people to read.
 */
import {
  clip,
  type DeadLetter,
  type GroupName,
  historyTtlSeconds,
  isException,
  type ItemResult,
  type Marker,
  type MessageId,
  type OutcomeCounts,
  type SyncDefinition,
  type WorkItem,
  type WorkMessageResult,
  workQueueName,
  type WorkSigner,
} from "@postern/contracts";
import { masked } from "@postern/input";
import { createHash } from "node:crypto";
import { markerId } from "../cycles/document-ids";
import { deadLetterId, payloadText } from "../dead-letters/new-dead-letter";
import type { Stamp } from "../ports/cloud-ports";
import type { OutgoingMessage } from "../ports/message-bus";
import { retryMessageId } from "../work/item-message-ids";
import { provenItem } from "../proofs/part-check";
import { singleItemMessage } from "../work/work-messages";

/** Characters of a reason in the list of exceptions; the dead letter has it whole. */
const EXCEPTION_REASON_CHARS = 500;

/** An agent's report of one work message, and the little that accounting for it needs beside it. */
export interface Report {
  readonly stamp: Stamp;
  readonly group: GroupName;
  readonly agent: string;
  /** By the agent's clock. */
  readonly reportedAt: string;
  readonly result: WorkMessageResult;
  /** Undefined when it no longer exists. */
  readonly definition: SyncDefinition | undefined;
  readonly signer: WorkSigner;
  readonly nowMs: number;
  readonly traceparent: string | undefined;
}

/** What one report of a work message comes to. */
export interface Account {
  readonly marker: Marker;
  readonly copies: readonly { readonly queue: string; readonly message: OutgoingMessage }[];
  readonly deadLetters: readonly DeadLetter[];
}

export function accountOf(report: Report): Account {
  const { group, result, nowMs } = report;
  const copies: { readonly queue: string; readonly message: OutgoingMessage }[] = [];
  const deadLetters: DeadLetter[] = [];
  const counts: Record<string, number> = {};
  const exceptions: Marker["exceptions"] = [];
  const asked: MessageId[] = [];
  for (const reported of result.items) {
    const work = provenItem(reported);
    const item = retryable(report, reported, work);
    counts[item.outcome] = (counts[item.outcome] ?? 0) + 1;
    if (item.outcome === "waiting" && work !== undefined) {
      const copy = retryCopy(report, item, work);
      copies.push({ queue: workQueueName(group, result.target), message: copy });
      asked.push(copy.messageId as MessageId);
    }
    if (item.outcome === "dead-lettered" || item.outcome === "outcome-unknown") {
      deadLetters.push(itemDeadLetter(report, item, work));
    }
    if (isException(item.outcome)) {
      exceptions.push({
        entity: item.entity,
        version: item.version,
        outcome: item.outcome,
        ...(item.code === undefined ? {} : { code: item.code }),
        ...(item.reason === undefined
          ? {}
          : { reason: clip(masked(item.reason), EXCEPTION_REASON_CHARS) }),
      });
    }
  }
  const marker: Marker = {
    id: markerId(result.workMessageId),
    type: "marker",
    definition: result.definition,
    cycleId: result.cycleId,
    ...(result.jobId === undefined ? {} : { jobId: result.jobId }),
    workMessageId: result.workMessageId,
    version: result.version,
    counts: counts satisfies OutcomeCounts,
    report: reportName(report),
    ...(asked.length === 0 ? {} : { retries: asked }),
    at: new Date(nowMs).toISOString(),
    exceptions,
    ttl: historyTtlSeconds,
  };
  return { marker, copies, deadLetters };
}

/** Names the report and all that it says: one that says anything else is another report, and does not count. */
function reportName({ agent, reportedAt, result }: Report): string {
  const digest = createHash("sha256").update(JSON.stringify(result)).digest("base64url");
  return `${agent}@${reportedAt}#${digest}`;
}

/** The item as reported; one that waits, but cannot be sent again, is given up. */
function retryable(
  { stamp, group, result, definition }: Report,
  item: ItemResult,
  work: WorkItem | undefined,
): ItemResult {
  if (item.outcome !== "waiting") return item;
  const givenUp = (reason: string): ItemResult => ({
    ...item,
    outcome: "dead-lettered",
    code: "message-malformed",
    reason,
  });
  if (definition === undefined) {
    return givenUp("the item waits for a retry, but its sync definition no longer exists");
  }
  if (work === undefined) {
    return givenUp("the agent reported the item as waiting without the item that it was sent");
  }
  const known = stamp.groups.find(({ name }) => name === group)?.targets;
  if (known?.includes(result.target) !== true) {
    return givenUp(
      `the item waits for a retry, but group '${group}' no longer has the target '${result.target}'`,
    );
  }
  return item;
}

/** The attempt that a work message id names: `ID#3` → 3. */
function attemptOf(messageId: string): number {
  const match = /#(\d{1,6})$/.exec(messageId);
  return match?.[1] === undefined ? 0 : Number(match[1]);
}

const MIN_RETRY_MS = 1_000;
/** Twice the longest pause of an agent's own (`failure-policy.ts`); a target may ask for more, up to this. */
const MAX_RETRY_MS = 2 * 60 * 60_000;

/** From now on an item that waits travels alone, and the next report of it has its own marker. */
function retryCopy(
  { stamp, signer, group, result, reportedAt, nowMs, traceparent }: Report,
  reported: ItemResult,
  work: WorkItem,
): OutgoingMessage {
  // How long, not until when: the agent's time of day may be wrong, and a retry in the past would be an immediate
  // retry.
  const askedMs =
    reported.retryAt === undefined ? 0 : Date.parse(reported.retryAt) - Date.parse(reportedAt);
  const attempt = attemptOf(result.workMessageId) + 1;
  return singleItemMessage(
    {
      stamp,
      signer,
      definition: { id: result.definition, group, target: result.target },
      stream: result.stream,
      cycleId: result.cycleId,
      jobId: result.jobId,
      version: result.version,
      time: new Date(nowMs).toISOString(),
      traceparent: result.traceparent ?? traceparent,
    },
    work,
    {
      messageId: retryMessageId(result.workMessageId, work.itemId, attempt),
      scheduledAt: new Date(nowMs + Math.min(Math.max(MIN_RETRY_MS, askedMs), MAX_RETRY_MS)),
      attempts: reported.attempts,
      firstAttemptAt: firstAttempt(result, reported, nowMs),
    },
  );
}

/** Proven from the second attempt on. Of the first it is the agent's word, which must lie between sending and now. */
function firstAttempt({ proof }: WorkMessageResult, reported: ItemResult, nowMs: number): string {
  if (proof.firstAttemptAt !== undefined) return proof.firstAttemptAt;
  const said = Date.parse(reported.firstAttemptAt ?? "");
  const earliest = Math.min(Date.parse(proof.at), nowMs);
  const atMs = Number.isNaN(said) ? nowMs : Math.min(Math.max(said, earliest), nowMs);
  return new Date(atMs).toISOString();
}

function itemDeadLetter(
  { group, result, reportedAt, nowMs }: Report,
  item: ItemResult,
  work: WorkItem | undefined,
): DeadLetter {
  return {
    id: deadLetterId(Date.parse(reportedAt), `${result.workMessageId}.${item.itemId}`),
    group,
    state: "open",
    source: "results",
    by: "agent",
    code: item.code ?? "target-rejected",
    reason: item.reason ?? "the agent gave no reason",
    outcome: item.outcome === "outcome-unknown" ? "outcome-unknown" : "dead-lettered",
    definition: result.definition,
    target: result.target,
    entity: `${item.entity.type}:${item.entity.id}`,
    itemId: item.itemId,
    version: item.version,
    messageId: result.workMessageId,
    cycleId: result.cycleId,
    traceparent: result.traceparent ?? null,
    attempts: item.attempts ?? [],
    deliveryCount: 0,
    ...payloadText(work === undefined ? "" : JSON.stringify(work)),
    proven: work !== undefined,
    hash: item.hash,
    deadLetteredAt: new Date(nowMs).toISOString(),
  };
}
