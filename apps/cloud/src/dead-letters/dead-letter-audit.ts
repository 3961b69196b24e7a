import { createHash } from "node:crypto";
import {
  type Actor,
  clip,
  type DeadLetter,
  type DeadLetterAction,
  historyTtlSeconds,
  limits,
} from "@postern/contracts";
import type { Order } from "./dead-letter";
import type { DeadLetterPorts } from "./dead-letter-ports";
import { timeSortedId } from "@postern/runtime";
import type { AuditEntry } from "../audit/audit-trail";

type Ports = Pick<DeadLetterPorts, "audit" | "clock" | "random">;

/**
 * Writes what people last did to a dead letter into the audit trail: the last step, and those before it that may be
 * missing because their request failed. An entry's id is made from its step, so that each step is there once.
 */
export async function auditLastActions(ports: Ports, letter: DeadLetter): Promise<void> {
  const actions = letter.actions ?? [];
  const since = actions.findLastIndex(({ by }) => by === null) + 1;
  for (const action of actions.slice(since)) {
    if (action.by !== null) await ports.audit.add(entryOf(letter.id, action, action.by));
  }
}

function entryOf(subject: string, action: DeadLetterAction, actor: Actor): AuditEntry {
  const { at, from, to, reason, messageId, traceId } = action;
  return {
    id: timeSortedId(
      Date.parse(at),
      seeded(`${subject} ${action.action} ${at} ${messageId ?? ""} ${traceId ?? ""}`),
    ),
    subject,
    at,
    action: `${action.action}DeadLetter`,
    actor,
    decision: "allowed",
    status: 200,
    traceId: traceId ?? "",
    detail: null,
    reason,
    change: { from, to, messageId },
  };
}

export async function auditRefusal(
  ports: Ports,
  subject: string,
  action: string,
  order: Order,
  detail: string,
): Promise<void> {
  const nowMs = ports.clock.now();
  await ports.audit.add({
    id: timeSortedId(nowMs, () => ports.random.next()),
    subject,
    at: new Date(nowMs).toISOString(),
    action,
    actor: order.by,
    decision: "denied",
    status: 409,
    traceId: order.traceId,
    detail: clip(detail, limits.auditDetailChars),
    reason: order.reason,
    ttl: historyTtlSeconds,
  });
}

/** A caller who reads people's data in a dead letter or a parked message is audited before the response is sent. */
export async function auditPayloadRead(
  ports: Ports,
  read: { readonly subject: string; readonly action: string },
  order: Pick<Order, "by" | "traceId">,
): Promise<void> {
  const nowMs = ports.clock.now();
  await ports.audit.add({
    id: timeSortedId(nowMs, () => ports.random.next()),
    subject: read.subject,
    at: new Date(nowMs).toISOString(),
    action: read.action,
    actor: order.by,
    decision: "allowed",
    status: 200,
    traceId: order.traceId,
    detail: null,
    ttl: historyTtlSeconds,
  });
}

/** Numbers in 0 to 1 that are always the same for one text. */
function seeded(text: string): () => number {
  const bytes = createHash("sha256").update(text).digest();
  let position = 0;
  return () => (bytes[position++ % bytes.length] ?? 0) / 256;
}
