/**
 * Moves what a broker or an agent has put into a dead-letter queue into `deadletters`, where people see it. A work
 * message that proves to be the cloud's own is also counted, by a marker, so that its cycle can end: its application
 * properties say what it held even when its body can no longer be read. One that proves nothing (a receiver may rewrite
 * properties) is kept for a person and counts nowhere. Storing a dead letter twice has no effect.
 */
import {
  type Accounting,
  clip,
  type DeadLetter,
  entityKey,
  eventAttribute,
  limits,
  type Marker,
  type MessageId,
  type PosternError,
  stampedParts,
  type WorkMessage,
} from "@postern/contracts";
import {
  bodyText,
  deadLetterId,
  eventTimeMs,
  payloadText,
  unreadableDeadLetter,
} from "../new-dead-letter";
import { type DrainedMessage, readDrained, reportedId } from "./drained-message";
import type { QueueOfGroup, ReceivedMessage } from "../../ports/message-bus";
import { isCountedReport, markerOf } from "../../cycles/message-marker";
import type { SyncPorts } from "../../ports/cloud-ports";
import { countBegun } from "../replay/replay-markers";
import { storeDeadLetters } from "../store-dead-letters";

/** The broker's own reasons (facts: Service Bus), as codes of ours. */
const brokerReasons: ReadonlyMap<string, string> = new Map([
  ["MaxDeliveryCountExceeded", "delivery-limit"],
  ["TTLExpiredException", "message-expired"],
]);

/** @throws ServiceUnavailable, also when the key that the message names is not known yet */
export async function drainDeadLetter(
  ports: SyncPorts,
  place: QueueOfGroup,
  message: ReceivedMessage & { readonly enqueuedAtMs: number },
): Promise<void> {
  const { queue } = place;
  const drained = await readDrained(ports, place, message);
  const { accounting, work } = drained;
  const reason = textProperty(message.properties, "DeadLetterReason") ?? "unknown";
  const brokerCode = brokerReasons.get(reason);
  const code = brokerCode ?? reason;
  const atMs = eventTimeMs(message.properties) ?? message.enqueuedAtMs;
  const by = brokerCode === undefined ? ("agent" as const) : ("broker" as const);
  const deadLetters = lettersOf(place, message, drained, {
    by,
    code,
    reason,
    atMs,
    nowMs: ports.clock.now(),
  });
  if (accounting === undefined) {
    // It may name a replay that it has nothing to do with: it opens no letter again.
    await ports.deadLetters.add(deadLetters);
    ports.logger.warn("dead-letter.stored", {
      queue,
      code,
      messageId: message.messageId,
      items: deadLetters.length,
    });
    return;
  }
  if (work !== undefined) {
    const workMessageId = message.messageId;
    await countBegun(
      ports,
      work.items.map(({ itemId }) => ({ ...accounting, workMessageId, itemId })),
    );
  }
  const messageId = reportedId(message.messageId);
  const open = await countedLetters(ports, { messageId, code, atMs }, accounting, {
    work,
    deadLetters,
  });
  if (open.length === 0) {
    // Its agent reported it and could not settle it, or another copy was drained: every item has an outcome.
    ports.logger.info("dead-letter.skipped", { queue, code, messageId });
    return;
  }
  await storeDeadLetters(ports, open);
  ports.logger.warn("dead-letter.stored", { queue, code, messageId, items: open.length });
}

function lettersOf(
  { queue, group }: QueueOfGroup,
  message: ReceivedMessage,
  { claimed, accounting, work }: DrainedMessage,
  {
    by,
    code,
    reason,
    atMs,
    nowMs,
  }: {
    readonly by: DeadLetter["by"];
    readonly code: string;
    readonly reason: string;
    readonly atMs: number;
    readonly nowMs: number;
  },
): DeadLetter[] {
  const { properties, messageId } = message;
  const description = textProperty(properties, "DeadLetterErrorDescription") ?? "";
  const base = {
    // A whole message is never replayed.
    proven: accounting !== undefined && work !== undefined,
    group: clip(group, limits.nameChars),
    state: "open" as const,
    source: queue,
    by,
    code: clip(code, limits.codeChars),
    reason: clip(description === "" ? reason : description, limits.reasonChars),
    definition: claimed.definition ?? null,
    target: claimed.target?.slice(0, limits.foreignNameChars) ?? null,
    messageId: clip(messageId, limits.foreignNameChars),
    // What proves nothing counts in no cycle.
    cycleId: accounting?.cycleId ?? null,
    traceparent:
      eventAttribute(properties, "traceparent")?.slice(0, limits.traceparentChars) ?? null,
    attempts: work?.attempts ?? [],
    deliveryCount: message.deliveryCount,
    deadLetteredAt: new Date(nowMs).toISOString(),
  };
  if (work === undefined) {
    return [
      {
        ...base,
        id: deadLetterId(atMs, `${queue}.${messageId}`),
        entity: null,
        itemId: null,
        version: claimed.version ?? null,
        ...payloadText(bodyText(message.body)),
      },
    ];
  }
  return work.items.map((item) => ({
    ...base,
    id: deadLetterId(atMs, `${messageId}.${item.itemId}`),
    entity: entityKey(item.entity),
    itemId: item.itemId,
    version: item.version,
    ...payloadText(JSON.stringify(item)),
  }));
}

/**
 * Dead letters of the items that no agent has reported. An agent reports a message with a large payload in parts, each
 * under its own id, and may have ended between two of them.
 */
async function countedLetters(
  ports: SyncPorts,
  givenUp: GivenUp,
  accounting: Accounting,
  {
    work,
    deadLetters,
  }: {
    readonly work: WorkMessage | undefined;
    readonly deadLetters: readonly DeadLetter[];
  },
): Promise<readonly DeadLetter[]> {
  // A body that cannot be read was not reported either: what it held is counted as a whole.
  if (work === undefined)
    return (await countGivenUp(ports, givenUp, accounting)) ? deadLetters : [];
  const open: DeadLetter[] = [];
  for (const { id, from, to } of stampedParts(work)) {
    const part = { ...accounting, count: to - from };
    if (await countGivenUp(ports, { ...givenUp, messageId: id }, part)) {
      open.push(...deadLetters.slice(from, to));
    }
  }
  return open;
}

/** A live message that its consumer cannot read. */
export async function storeUnreadable(
  ports: SyncPorts,
  queue: QueueOfGroup,
  message: ReceivedMessage,
  error: PosternError,
): Promise<void> {
  const deadLetter = unreadableDeadLetter(queue, message, error, ports.clock.now());
  await ports.deadLetters.add([deadLetter]);
  ports.logger.warn("message.dead-lettered", { queue: queue.queue, code: error.code });
}

/** A dead-lettered message, as its queue holds it. */
interface GivenUp {
  readonly messageId: MessageId;
  readonly code: string;
  /** Distinguishes copies of one message: each was sent at a different time. */
  readonly atMs: number;
}

/**
 * Counts the message as given up. False: an agent's report counts, which came first (ADR 0010), or another copy of the
 * message, which was sent twice further apart than the broker notices. The same copy, drained again, counts.
 */
async function countGivenUp(
  ports: SyncPorts,
  { messageId, code, atMs }: GivenUp,
  { count, ...place }: Accounting,
): Promise<boolean> {
  const dead = { "dead-lettered": count };
  const marker: Marker = {
    // The same marker that its result would have created: the first of the two counts.
    ...markerOf(messageId, messageId, place, dead, ports.clock.now()),
    report: `drain@${new Date(atMs).toISOString()}`,
  };
  const [created] = await ports.progress.createMarkers([marker]);
  if (created !== true) return isCountedReport(ports, marker);
  ports.logger.info("dead-letter.counted", { ...place, count, code });
  return true;
}

function textProperty(properties: ReceivedMessage["properties"], name: string): string | undefined {
  const value = properties[name];
  return typeof value === "string" ? value : undefined;
}
