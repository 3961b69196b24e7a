/**
 * Moves what a broker or an agent has put into a dead-letter queue into `deadletters`, where people see it. A work
 * message is also counted, by a marker, so that its cycle can end: its application properties say what it held even
 * when its body can no longer be read. Storing a dead letter twice has no effect.
 */
import {
  type Accounting,
  accountingOf,
  clip,
  type DeadLetter,
  entityKey,
  eventAttribute,
  limits,
  type Marker,
  type MessageId,
  type PosternError,
  readPosternProperties,
  reportParts,
  type WorkItem,
  WorkMessage,
} from "@postern/contracts";
import {
  bodyText,
  deadLetterId,
  eventTimeMs,
  payloadText,
  unreadableDeadLetter,
} from "./new-dead-letter";
import type { QueueOfGroup, ReceivedMessage } from "../ports/message-bus";
import { isCountedReport, markerOf } from "../cycles/message-marker";
import type { SyncPorts } from "../ports/cloud-ports";
import { countBegun } from "./replay/replay-markers";
import { storeDeadLetters } from "./store-dead-letters";

/** The broker's own reasons (facts: Service Bus), as codes of ours. */
const brokerReasons: ReadonlyMap<string, string> = new Map([
  ["MaxDeliveryCountExceeded", "delivery-limit"],
  ["TTLExpiredException", "message-expired"],
]);

export async function drainDeadLetter(
  ports: SyncPorts,
  { queue, group }: QueueOfGroup,
  message: ReceivedMessage & { readonly enqueuedAtMs: number },
): Promise<void> {
  const { properties } = message;
  const reason = textProperty(properties, "DeadLetterReason") ?? "unknown";
  const description = textProperty(properties, "DeadLetterErrorDescription") ?? "";
  const brokerCode = brokerReasons.get(reason);
  const code = brokerCode ?? reason;
  const work = WorkMessage.safeParse(message.body);
  const accounting = accountingOf(properties);
  const atMs = eventTimeMs(properties) ?? message.enqueuedAtMs;
  const base: Omit<
    DeadLetter,
    "id" | "entity" | "itemId" | "version" | "payload" | "payloadTruncated"
  > = {
    group: clip(group, limits.nameChars),
    state: "open",
    source: queue,
    by: brokerCode === undefined ? "agent" : "broker",
    code: clip(code, limits.codeChars),
    reason: clip(description === "" ? reason : description, limits.reasonChars),
    definition: accounting?.definition ?? null,
    target: readPosternProperties(properties).target?.slice(0, limits.foreignNameChars) ?? null,
    messageId: clip(message.messageId, limits.foreignNameChars),
    cycleId: accounting?.cycleId ?? null,
    traceparent:
      eventAttribute(properties, "traceparent")?.slice(0, limits.traceparentChars) ?? null,
    attempts: work.success ? (work.data.attempts ?? []) : [],
    deliveryCount: message.deliveryCount,
    deadLetteredAt: new Date(ports.clock.now()).toISOString(),
  };
  const deadLetters: DeadLetter[] = work.success
    ? work.data.items.map((item) => ({
        ...base,
        id: deadLetterId(atMs, `${message.messageId}.${item.itemId}`),
        entity: entityKey(item.entity),
        itemId: item.itemId,
        version: item.version,
        ...payloadText(JSON.stringify(item)),
      }))
    : [
        {
          ...base,
          id: deadLetterId(atMs, `${queue}.${message.messageId}`),
          entity: null,
          itemId: null,
          version: accounting?.version ?? null,
          ...payloadText(bodyText(message.body)),
        },
      ];
  if (accounting !== undefined && work.success) {
    const workMessageId = message.messageId;
    await countBegun(
      ports,
      work.data.items.map(({ itemId }) => ({ ...accounting, workMessageId, itemId })),
    );
  }
  // The id that its agent reports under: for a message that was sent again after parking, the original id.
  const messageId = message.messageId.replace(/~p\d{1,4}$/, "") as MessageId;
  const open =
    accounting === undefined
      ? deadLetters
      : await countedLetters(ports, { messageId, code, atMs }, accounting, {
          items: work.success ? work.data.items : undefined,
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

/**
 * Dead letters of the items that no agent has reported. An agent reports a message with a large payload in parts, each
 * under its own id, and may have ended between two of them.
 */
async function countedLetters(
  ports: SyncPorts,
  givenUp: GivenUp,
  accounting: Accounting,
  {
    items,
    deadLetters,
  }: {
    readonly items: readonly WorkItem[] | undefined;
    readonly deadLetters: readonly DeadLetter[];
  },
): Promise<readonly DeadLetter[]> {
  // A body that cannot be read was not reported either: what it held is counted as a whole.
  if (items === undefined)
    return (await countGivenUp(ports, givenUp, accounting)) ? deadLetters : [];
  const open: DeadLetter[] = [];
  for (const { id, from, to } of reportParts(givenUp.messageId, items)) {
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
