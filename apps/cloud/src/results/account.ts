/** What one report of a work message comes to: its count, the copies to send, the items to give up. */
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
  type WorkMessageResult,
} from "@postern/contracts";
import { markerId } from "../cycles/document-ids";
import { deadLetterId, payloadText } from "../dead-letters/new-dead-letter";
import type { Stamp } from "../ports/cloud-ports";
import type { OutgoingMessage } from "../ports/message-bus";
import { retryMessageId } from "../work/item-message-ids";
import { singleItemMessage, workQueueOf } from "../work/work-messages";

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
  const { result, definition, agent, reportedAt, nowMs } = report;
  const copies: { readonly queue: string; readonly message: OutgoingMessage }[] = [];
  const deadLetters: DeadLetter[] = [];
  const counts: Record<string, number> = {};
  const exceptions: Marker["exceptions"] = [];
  const asked: MessageId[] = [];
  for (const reported of result.items) {
    let item: ItemResult = reported;
    if (item.outcome === "waiting" && (item.item === undefined || definition === undefined)) {
      item = {
        ...item,
        outcome: "dead-lettered",
        code: "message-malformed",
        reason:
          definition === undefined
            ? "the item waits for a retry, but its sync definition no longer exists"
            : "the agent reported the item as waiting without the item itself",
      };
    }
    counts[item.outcome] = (counts[item.outcome] ?? 0) + 1;
    if (item.outcome === "waiting" && definition !== undefined) {
      const copy = retryCopy(report, definition, item);
      copies.push({ queue: workQueueOf(definition), message: copy });
      asked.push(copy.messageId as MessageId);
    }
    if (item.outcome === "dead-lettered" || item.outcome === "outcome-unknown") {
      deadLetters.push(itemDeadLetter(report, item));
    }
    if (isException(item.outcome)) {
      exceptions.push({
        entity: item.entity,
        version: item.version,
        outcome: item.outcome,
        ...(item.code === undefined ? {} : { code: item.code }),
        ...(item.reason === undefined ? {} : { reason: clip(item.reason, EXCEPTION_REASON_CHARS) }),
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
    report: `${agent}@${reportedAt}`,
    ...(asked.length === 0 ? {} : { retries: asked }),
    at: new Date(nowMs).toISOString(),
    exceptions,
    ttl: historyTtlSeconds,
  };
  return { marker, copies, deadLetters };
}

/** The attempt that a work message id names: `ID#3` → 3. */
function attemptOf(messageId: string): number {
  const match = /#(\d{1,6})$/.exec(messageId);
  return match?.[1] === undefined ? 0 : Number(match[1]);
}

const MIN_RETRY_MS = 1_000;

/** From now on an item that waits travels alone, and the next report of it has its own marker. */
function retryCopy(
  { stamp, result, reportedAt, nowMs, traceparent }: Report,
  definition: SyncDefinition,
  reported: ItemResult,
): OutgoingMessage {
  const { item } = reported;
  if (item === undefined) throw new TypeError("an item that waits comes with its item");
  // How long, not until when: the agent's time of day may be wrong, and a retry in the past would be an immediate
  // retry.
  const askedMs =
    reported.retryAt === undefined ? 0 : Date.parse(reported.retryAt) - Date.parse(reportedAt);
  const attempt = attemptOf(result.workMessageId) + 1;
  return singleItemMessage(
    {
      stamp,
      definition,
      stream: result.stream,
      cycleId: result.cycleId,
      jobId: result.jobId,
      version: result.version,
      time: new Date(nowMs).toISOString(),
      traceparent: result.traceparent ?? traceparent,
    },
    item,
    {
      messageId: retryMessageId(result.workMessageId, item.itemId, attempt),
      scheduledAt: new Date(nowMs + Math.max(MIN_RETRY_MS, askedMs)),
      attempts: reported.attempts,
      firstAttemptAt: reported.firstAttemptAt,
    },
  );
}

function itemDeadLetter(
  { group, result, reportedAt, nowMs }: Report,
  item: ItemResult,
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
    ...payloadText(item.item === undefined ? "" : JSON.stringify(item.item)),
    deadLetteredAt: new Date(nowMs).toISOString(),
  };
}
