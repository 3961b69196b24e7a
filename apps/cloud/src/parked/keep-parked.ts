/**
 * Work messages of a major version that an agent could not read: kept until an agent of the group can.
 *
 * They are not dead letters, which need a person, nor holds, whose items are known: their items have no outcome yet
 * and stay pending in their cycle, where they show as waiting.
 */
import {
  accountingOf,
  bodyHash,
  type DeadLetter,
  eventAttribute,
  type GroupName,
  type Marker,
  PARKED_MESSAGE_TYPE,
  ParkedMessage,
  type ParkedRecord,
  PosternError,
  readMessage,
  readPosternProperties,
  resultsQueueName,
} from "@postern/contracts";
import { markerOf } from "../cycles/message-marker";
import { unreadableDeadLetter } from "../dead-letters/new-dead-letter";
import type { ReceivedMessage } from "../ports/message-bus";
import { type ProofCheck, unproven } from "../proofs/code-check";
import { verifyEnvelope } from "../proofs/verification";
import { partitionProven } from "../security/partition-proven";
import type { ParkedPorts } from "./parked-ports";

export function isParked({ properties }: ReceivedMessage): boolean {
  return eventAttribute(properties, "type") === PARKED_MESSAGE_TYPE;
}

/**
 * Keeps what agents parked and what proves to be the cloud's own: what is kept is sent again under the cloud's right.
 * Safe to repeat. A message that cannot be read is stored as a dead letter; one that proves nothing becomes a security
 * event.
 *
 * @throws ServiceUnavailable
 */
export async function keepParked(
  ports: ParkedPorts,
  group: GroupName,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const nowMs = ports.clock.now();
  const queue = resultsQueueName(group);
  const read: ParkedMessage[] = [];
  const unreadable: DeadLetter[] = [];
  for (const received of messages) {
    try {
      const options = { schema: ParkedMessage, type: PARKED_MESSAGE_TYPE };
      read.push(readMessage(options, received.properties, received.body));
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      unreadable.push(unreadableDeadLetter({ queue, group }, received, error, nowMs));
    }
  }
  if (unreadable.length > 0) await ports.deadLetters.add(unreadable);
  const checks: ProofCheck[] = [];
  for (const message of read) checks.push(await verifyParked(ports, group, message));
  const { proven, again } = await partitionProven(
    ports,
    read,
    checks,
    (message) => ({
      queue,
      group,
      agent: message.agent,
      messageId: message.workMessageId,
      subject: JSON.stringify(message),
    }),
    (message) => {
      const { key } = readPosternProperties(message.properties);
      return key === undefined ? undefined : { key, type: PARKED_MESSAGE_TYPE, body: message };
    },
  );
  const at = new Date(nowMs).toISOString();
  const records = proven.map((message) => recordOf({ ...message, group }, at));
  for (const { unreadType: type, agent: agentId, workMessageId: messageId, reason } of records) {
    ports.logger.warn("parked-message.stored", { group, type, agentId, messageId, reason });
  }
  const markers = records.flatMap((record) => waitingMarker(record, nowMs));
  if (records.length > 0) await ports.parked.add(records);
  if (markers.length > 0) await ports.progress.createMarkers(markers);
  if (again !== undefined) throw again;
}

/** That the cloud sent this payload, with these properties, to this group, target and lane. */
async function verifyParked(
  ports: ParkedPorts,
  group: GroupName,
  { workMessageId, properties, payload, sessionId, target, unreadType }: ParkedMessage,
): Promise<ProofCheck> {
  const check = await verifyEnvelope(ports, group, workMessageId, properties);
  if (!check.proven) return check;
  const said = readPosternProperties(properties);
  if (said.bodyHash !== bodyHash(payload)) {
    return unproven("content-changed", "the payload is not the one that was sent");
  }
  const type = eventAttribute(properties, "type");
  if (said.target !== target || said.lane !== sessionId || type !== unreadType) {
    return unproven("content-changed", "it was sent to another target or lane, or as another type");
  }
  return check;
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
