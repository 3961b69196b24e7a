/**
 * Work messages of a major version that an agent could not read: kept until an agent of the group can, then sent again.
 *
 * They are not dead letters, which need a person, nor holds, whose items are known: their items have no outcome yet
 * and stay pending in their cycle, where they show as waiting. What is sent again has a new message id, so that
 * duplicate detection lets it through, and the same body, so that its results count once however often it is sent.
 */
import {
  accountingOf,
  containers,
  type DeadLetter,
  eventAttribute,
  type GroupName,
  historyTtlSeconds,
  limits,
  type Marker,
  PARKED_MESSAGE_TYPE,
  ParkedMessage,
  type ParkedRecord,
  PosternError,
  readMessage,
  resultsQueueName,
  workQueueName,
} from "@postern/contracts";
import type { ReceivedMessage } from "../ports/message-bus";
import { unreadableDeadLetter } from "../dead-letters/new-dead-letter";
import type { AgentStore } from "../agents/agent-ports";
import type { ListOptions, ListPage } from "../ports/list-page";
import { onlineAgents } from "../agents/online-agents";
import { markerOf } from "../cycles/message-marker";
import type { OutgoingMessage } from "../ports/message-bus";
import type { Stored } from "../ports/stores";
import type { SyncPorts } from "../ports/cloud-ports";

export interface ParkedStore {
  /** One that exists is left as it is: the same message may be reported twice. */
  add(records: readonly ParkedRecord[]): Promise<void>;
  /** Still parked, by id, some of them; none at the end. */
  waiting(group: GroupName, after?: string): Promise<readonly Stored<ParkedRecord>[]>;
  /** False when it has changed since `etag`. */
  replace(record: ParkedRecord, etag: string): Promise<boolean>;
  /** By id. */
  list(query: ParkedQuery, options: ListOptions): Promise<ListPage<ParkedRecord>>;
  find(id: string): Promise<ParkedRecord | undefined>;
}

export interface ParkedQuery {
  readonly state?: ParkedRecord["state"] | undefined;
  readonly group?: string | undefined;
  readonly target?: string | undefined;
}

export interface ParkedPorts extends Pick<
  SyncPorts,
  "stamp" | "clock" | "logger" | "bus" | "progress" | "deadLetters"
> {
  readonly parked: ParkedStore;
  readonly agents: Pick<AgentStore, "list">;
}

export function isParked({ properties }: ReceivedMessage): boolean {
  return eventAttribute(properties, "type") === PARKED_MESSAGE_TYPE;
}

/** Keeps what agents parked. Safe to repeat; a message that cannot be read is stored as a dead letter. */
export async function keepParked(
  ports: ParkedPorts,
  group: GroupName,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const nowMs = ports.clock.now();
  const at = new Date(nowMs).toISOString();
  const records: ParkedRecord[] = [];
  const markers: Marker[] = [];
  const deadLetters: DeadLetter[] = [];
  for (const received of messages) {
    try {
      const message = readMessage(
        { schema: ParkedMessage, type: PARKED_MESSAGE_TYPE },
        received.properties,
        received.body,
      );
      const record = recordOf({ ...message, group }, at);
      records.push(record);
      markers.push(...waitingMarker(record, nowMs));
      ports.logger.warn("parked-message.stored", {
        group,
        type: record.unreadType,
        agentId: record.agent,
        messageId: record.workMessageId,
        reason: record.reason,
      });
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      const queue = resultsQueueName(group);
      deadLetters.push(unreadableDeadLetter({ queue, group }, received, error, nowMs));
    }
  }
  if (deadLetters.length > 0) await ports.deadLetters.add(deadLetters);
  if (records.length > 0) await ports.parked.add(records);
  if (markers.length > 0) await ports.progress.createMarkers(markers);
}

function recordOf(message: ParkedMessage, at: string): ParkedRecord {
  const { messageId: _id, tenant: _tenant, branch: _branch, at: _at, ...kept } = message;
  const id = message.workMessageId.replace(/[/\\?#\s]/g, "_");
  return { id, state: "parked", parkedAt: at, sentAt: null, ...kept };
}

/** Counts nothing as done. Its id is not the message's own, whose marker is for its results. */
function waitingMarker({ properties, workMessageId }: ParkedRecord, nowMs: number): Marker[] {
  const accounting = accountingOf(properties);
  if (accounting === undefined) return [];
  const { count, ...place } = accounting;
  return [markerOf(`${workMessageId}:parked`, workMessageId, place, { waiting: count }, nowMs)];
}

/**
 * Sends again what agents with these capabilities read. Sent before it is noted as sent: should the note be lost, the
 * same message id goes out again. Returns how many were sent.
 */
export async function sendParked(
  ports: ParkedPorts,
  group: GroupName,
  capabilities: readonly string[],
): Promise<number> {
  let sent = 0;
  let after: string | undefined;
  // To the end: a message that no agent reads, or whose target is gone, must not hold back those behind it.
  for (;;) {
    const waiting = await ports.parked.waiting(group, after);
    if (waiting.length === 0) break;
    after = waiting.at(-1)?.value.id;
    for (const { value, etag } of waiting) {
      if (!canRead(capabilities, value.unreadType) || !hasTarget(ports, value)) continue;
      const message = sentAgain(value, ports.clock.now());
      await ports.bus.send(workQueueName(group, value.target), [message]);
      sent += 1;
      const sentAt = new Date(ports.clock.now()).toISOString();
      const done: ParkedRecord = { ...value, state: "sent", sentAt, ttl: historyTtlSeconds };
      await ports.parked.replace(done, etag);
    }
  }
  if (sent > 0) ports.logger.info("parked-message.sent", { group, messages: sent });
  return sent;
}

/** Looks after what was parked when an agent that reads it was there already, or could not be sent when one came. */
export async function watchParked(ports: ParkedPorts): Promise<number> {
  let sent = 0;
  for (const { name } of ports.stamp.groups) {
    if ((await ports.parked.waiting(name)).length === 0) continue;
    sent += await sendParked(ports, name, await capabilitiesOf(ports, name));
  }
  return sent;
}

async function capabilitiesOf(ports: ParkedPorts, group: GroupName): Promise<string[]> {
  const agents = await onlineAgents(ports, group);
  return [...new Set(agents.flatMap(({ capabilities }) => capabilities))];
}

/** `postern.sync.apply.v2` is read by who says so, with or without a minor. */
export function canRead(capabilities: readonly string[], type: string): boolean {
  return capabilities.some((each) => each === type || each.startsWith(`${type}.`));
}

function hasTarget(ports: ParkedPorts, { group, target, workMessageId }: ParkedRecord): boolean {
  const known = ports.stamp.groups.find(({ name }) => name === group)?.targets.includes(target);
  if (known !== true) {
    const reason = `container '${containers.parked}' keeps it until the group has the target again`;
    ports.logger.warn("parked-message.blocked", {
      group,
      target,
      messageId: workMessageId,
      reason,
    });
  }
  return known === true;
}

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
const PARKED_SUFFIX = /~p(\d{1,4})$/;

/**
 * While old and new agents of a group run side by side an old one may get it again and park it again: from the second
 * time on it comes later each time, until the last old agent is gone.
 */
function sentAgain(record: ParkedRecord, nowMs: number): OutgoingMessage {
  const before = Number(PARKED_SUFFIX.exec(record.workMessageId)?.[1] ?? "0");
  const suffix = `~p${before + 1}`;
  const base = record.workMessageId.replace(PARKED_SUFFIX, "");
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(before - 1, 20));
  return {
    messageId: `${base.slice(0, limits.messageIdChars - suffix.length)}${suffix}`,
    sessionId: record.sessionId,
    body: record.payload,
    properties: textual(record.properties),
    ...(before === 0 ? {} : { scheduledAt: new Date(nowMs + pauseMs) }),
  };
}

function textual(properties: ParkedRecord["properties"]): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === "boolean" ? String(value) : value,
    ]),
  );
}
