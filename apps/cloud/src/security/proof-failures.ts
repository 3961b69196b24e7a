/** Tells people of what did not prove itself: a log line for each kind of a batch, and events. */
import { createHash } from "node:crypto";
import {
  AgentId,
  clip,
  type GroupName,
  historyTtlSeconds,
  type KeyId,
  limits,
  MessageId,
  type SecurityEvent,
  type SecurityEventKind,
} from "@postern/contracts";
import type { SyncPorts } from "../ports/cloud-ports";

/** What did not prove itself: what it claims, none of which is known to be true. */
export interface ProofFailure {
  readonly kind: SecurityEventKind;
  readonly detail: string;
  readonly queue: string;
  readonly group: GroupName;
  readonly agent: string | null;
  readonly messageId: string | null;
  /** JSON text that tells it apart from others, the same at each delivery. */
  readonly subject: string;
  /** Kept so that it can be judged again. */
  readonly pending?: { readonly key: KeyId; readonly text: string };
}

const DIGEST_CHARS = 24;

/** Returns for each whether it is kept. @throws ServiceUnavailable */
export async function reportProofFailures(
  { security, logger, clock }: Pick<SyncPorts, "security" | "logger" | "clock">,
  failures: readonly ProofFailure[],
): Promise<readonly boolean[]> {
  if (failures.length === 0) return [];
  for (const [kind, ofKind] of Map.groupBy(failures, (failure) => failure.kind)) {
    const [first] = ofKind;
    logger.warn("proof.failed", {
      kind,
      count: ofKind.length,
      group: first?.group,
      queue: first?.queue,
      agentId: first?.agent,
      messageId: first?.messageId,
      detail: first?.detail,
    });
  }
  const nowMs = clock.now();
  return security.record(failures.map((failure) => eventOf(failure, nowMs)));
}

function eventOf(failure: ProofFailure, nowMs: number): SecurityEvent {
  const { kind, group, queue, detail, pending } = failure;
  const at = new Date(nowMs).toISOString();
  const digest = createHash("sha256").update(failure.subject).digest("hex").slice(0, DIGEST_CHARS);
  return {
    id: `${at.replace(/[-:.]/g, "")}-${digest}`,
    type: "event",
    group,
    kind,
    at,
    digest,
    queue: clip(queue, limits.foreignNameChars),
    agent: AgentId.safeParse(failure.agent).data ?? null,
    messageId: MessageId.safeParse(failure.messageId).data ?? null,
    detail: clip(detail, limits.loggedReasonChars),
    ...(pending === undefined ? {} : { pending: pending.text, key: pending.key }),
    ttl: historyTtlSeconds,
  };
}
