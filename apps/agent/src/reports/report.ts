/** Turns verdicts into results: one for a message as a whole, or several for its parts (`stampedParts`). */
import { Buffer } from "node:buffer";
import {
  type AgentId,
  type Attempt,
  clip,
  type FailureClass,
  type ItemResult,
  type WorkItem,
  type WorkMessage,
  type WorkMessageResult,
} from "@postern/contracts";
import { timestamp } from "@postern/runtime";
import { jsonTextBytes, limits, stampedParts } from "@postern/contracts";
import { masked } from "@postern/input";
import type { Verdict } from "../units/verdict";

/** Shared by the failing items of a message, so that a hundred of them still fit. */
const REASON_BUDGET_CHARS = 30_000;
const LONGEST_REASON_CHARS = 1_000;
const SHORTEST_REASON_CHARS = 200;
const ATTEMPT_BUDGET = 100;
const LONGEST_ATTEMPT_REASON_CHARS = 200;

export interface ReportContext {
  readonly agent: AgentId;
  readonly nowMs: number;
  readonly traceparent: string | undefined;
}

/** The results of one work message: one, or several when its payload is large. */
export function reportOf(
  message: WorkMessage,
  verdicts: readonly Verdict[],
  context: ReportContext,
): WorkMessageResult[] {
  const failing = verdicts.reduce((sum, verdict) => sum + (verdict.kind === "done" ? 0 : 1), 0);
  const { key, at } = message.proof;
  return stampedParts(message).map(({ id, from, to, code }) => ({
    workMessageId: id,
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
    proof: {
      key,
      at,
      ...(message.firstAttemptAt === undefined ? {} : { firstAttemptAt: message.firstAttemptAt }),
      code,
    },
  }));
}

function itemResult(
  message: WorkMessage,
  item: WorkItem,
  verdict: Verdict | undefined,
  failing: number,
  context: ReportContext,
): ItemResult {
  const { itemId, entity, version, hash } = item;
  const base = { itemId, entity, version, hash };
  if (verdict === undefined) throw new RangeError(`item ${item.itemId} has no verdict`);
  switch (verdict.kind) {
    case "done":
      return { ...base, outcome: verdict.outcome };
    case "waiting":
      return {
        ...base,
        outcome: "waiting",
        ...failureFields(message, verdict.failure, failing, context),
        retryAt: timestamp(verdict.retryAtMs),
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
      throw new RangeError(`item ${item.itemId} is undone and must not be reported`);
  }
}

function failureFields(
  message: WorkMessage,
  failure: { readonly class: FailureClass; readonly code: string; readonly message: string },
  failing: number,
  context: ReportContext,
): Pick<ItemResult, "failure" | "code" | "reason" | "attempts" | "firstAttemptAt"> {
  const reasonChars = Math.min(
    LONGEST_REASON_CHARS,
    Math.max(SHORTEST_REASON_CHARS, Math.floor(REASON_BUDGET_CHARS / failing)),
  );
  const at = timestamp(context.nowMs);
  const reason = masked(failure.message);
  const attempt: Attempt = {
    at,
    agent: context.agent,
    failure: failure.class,
    code: failure.code,
    reason: clip(reason, LONGEST_ATTEMPT_REASON_CHARS),
  };
  const listed = Math.max(1, Math.min(limits.attemptsListed, Math.floor(ATTEMPT_BUDGET / failing)));
  return {
    failure: failure.class,
    code: failure.code,
    reason: clip(reason, reasonChars),
    attempts: [...(message.attempts ?? []), attempt].slice(-listed),
    firstAttemptAt: message.firstAttemptAt ?? at,
  };
}

/** Upper bound of the bytes that a result takes on the wire. */
export function resultBytes(result: WorkMessageResult): number {
  let bytes = 600;
  for (const item of result.items) {
    bytes +=
      item.item === undefined
        ? 240 + jsonTextBytes(item.itemId) + jsonTextBytes(item.entity.id)
        : Buffer.byteLength(JSON.stringify(item));
  }
  return bytes;
}
