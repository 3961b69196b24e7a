/**
 * Turns verdicts into results. The consumer drops a result whose work message id it has seen, so a message must be
 * reported as a whole, or in parts whose borders and ids are the same at every delivery: they are taken from the message
 * alone, never from what became of it.
 */
import { Buffer } from "node:buffer";
import type {
  AgentId,
  Attempt,
  FailureClass,
  ItemResult,
  MessageId,
  WorkItem,
  WorkMessage,
  WorkMessageResult,
} from "@postern/contracts";
import { limits } from "@postern/contracts";
import { stamp } from "./ledger-decision";
import type { Verdict } from "./verdict";

/** Half of a message: the other half is for reasons and attempts, should all of its items fail. */
const PART_PAYLOAD_BYTES = limits.messageBytes / 2;
/** Shared by the failing items of a message, so that a hundred of them still fit. */
const REASON_BUDGET_CHARS = 30_000;
const ATTEMPT_BUDGET = 100;
const LONGEST_ATTEMPT_REASON_CHARS = 200;

export interface ReportContext {
  readonly agent: AgentId;
  readonly nowMs: number;
  readonly traceparent: string | undefined;
}

/** The results of one work message, in one part or, when its payload is large, in several. */
export function reportOf(
  message: WorkMessage,
  verdicts: readonly Verdict[],
  context: ReportContext,
): WorkMessageResult[] {
  const failing = verdicts.reduce((sum, verdict) => sum + (verdict.kind === "done" ? 0 : 1), 0);
  return partBorders(message.items).map(([from, to], part) => ({
    workMessageId: part === 0 ? message.messageId : partId(message.messageId, part + 1),
    definition: message.definition,
    stream: message.stream,
    target: message.target,
    lane: message.lane,
    cycleId: message.cycleId,
    ...(message.jobId === undefined ? {} : { jobId: message.jobId }),
    version: message.version,
    ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
    items: message.items
      .slice(from, to)
      .map((item, index) => itemResult(message, item, verdicts[from + index], failing, context)),
  }));
}

/** `DEF:V.03.0#1` → `DEF:V.03.0~2#1`: the suffix that names the attempt stays at the end. */
function partId(messageId: MessageId, part: number): MessageId {
  const hash = messageId.indexOf("#");
  const base = hash < 0 ? messageId : messageId.slice(0, hash);
  const attempt = hash < 0 ? "" : messageId.slice(hash);
  const marked = `~${part}${attempt}`;
  return `${base.slice(0, limits.messageIdChars - marked.length)}${marked}` as MessageId;
}

/** Index ranges of the parts. An item is never cut, so that one by itself is not measured. */
function partBorders(items: readonly WorkItem[]): [number, number][] {
  if (items.length === 1) return [[0, 1]];
  const borders: [number, number][] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    const size = payloadBytes(item);
    if (index > from && bytes + size > PART_PAYLOAD_BYTES) {
      borders.push([from, index]);
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  borders.push([from, items.length]);
  return borders;
}

/** Bytes of an item on the wire, from above. */
function payloadBytes(item: WorkItem): number {
  let bytes = 400 + textBytes(item.itemId) + textBytes(item.entity.id);
  for (const columns of [item.key, item.values]) {
    for (const name in columns) {
      const value = columns[name];
      bytes += textBytes(name) + 6;
      bytes += typeof value === "string" ? Math.max(value.length * 1.5, textBytes(value)) : 20;
    }
  }
  return bytes;
}

/** What JSON does not write as one byte: a control character takes six. */
const NOT_PLAIN = /[^ -~]|["\\]/;

/** Bytes of a text within its quotes. Most are plain, and those need no serialisation. */
function textBytes(text: string): number {
  return NOT_PLAIN.test(text) ? Buffer.byteLength(JSON.stringify(text)) : text.length;
}

function itemResult(
  message: WorkMessage,
  item: WorkItem,
  verdict: Verdict | undefined,
  failing: number,
  context: ReportContext,
): ItemResult {
  const base = { itemId: item.itemId, entity: item.entity, version: item.version };
  if (verdict === undefined) throw new RangeError(`item ${item.itemId} has no verdict`);
  switch (verdict.kind) {
    case "done":
      return { ...base, outcome: verdict.outcome };
    case "waiting":
      return {
        ...base,
        outcome: "waiting",
        ...failureFields(message, verdict.failure, failing, context),
        retryAt: stamp(verdict.retryAtMs),
        item,
      };
    case "dead-lettered":
      return {
        ...base,
        outcome: "dead-lettered",
        ...failureFields(
          message,
          { class: verdict.class, code: verdict.code, message: verdict.reason },
          failing,
          context,
        ),
        item,
      };
    case "unknown":
      return {
        ...base,
        outcome: "outcome-unknown",
        ...failureFields(message, verdict.failure, failing, context),
        item,
      };
    case "undone":
      throw new RangeError(`item ${item.itemId} is not done and may not be reported`);
  }
}

function failureFields(
  message: WorkMessage,
  failure: { readonly class: FailureClass; readonly code: string; readonly message: string },
  failing: number,
  context: ReportContext,
): Pick<ItemResult, "failure" | "code" | "reason" | "attempts" | "firstAttemptAt"> {
  const reasonChars = Math.min(1_000, Math.max(200, Math.floor(REASON_BUDGET_CHARS / failing)));
  const at = stamp(context.nowMs);
  const attempt: Attempt = {
    at,
    agent: context.agent,
    failure: failure.class,
    code: failure.code,
    reason: failure.message.slice(0, LONGEST_ATTEMPT_REASON_CHARS),
  };
  const listed = Math.max(1, Math.min(limits.attemptsListed, Math.floor(ATTEMPT_BUDGET / failing)));
  return {
    failure: failure.class,
    code: failure.code,
    reason: failure.message.slice(0, reasonChars),
    attempts: [...(message.attempts ?? []), attempt].slice(-listed),
    firstAttemptAt: message.firstAttemptAt ?? at,
  };
}

/** Bytes that a result takes on the wire, from above. */
export function resultBytes(result: WorkMessageResult): number {
  let bytes = 400;
  for (const item of result.items) {
    bytes +=
      item.item === undefined
        ? 160 + textBytes(item.itemId) + textBytes(item.entity.id)
        : Buffer.byteLength(JSON.stringify(item));
  }
  return bytes;
}
