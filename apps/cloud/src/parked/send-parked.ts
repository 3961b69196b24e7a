/**
 * Sends parked messages again once an agent of the group reads them. What is sent again has a new message id, so that
 * duplicate detection lets it through, and the same content with fresh codes, so that its results count once however
 * often it is sent.
 */
import {
  bodyHash,
  containers,
  eventProperties,
  type GroupName,
  historyTtlSeconds,
  invariant,
  limits,
  type ParkedRecord,
  provenProperties,
  readPosternProperties,
  WORK_MESSAGE_TYPE,
  WorkMessage,
  workProof,
  workQueueName,
  type WorkSigner,
} from "@postern/contracts";
import { onlineAgents } from "../agents/online-agents";
import type { OutgoingMessage } from "../ports/message-bus";
import { signerNow } from "../proofs/signing";
import type { ParkedPorts } from "./parked-ports";

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
      const message = sentAgain(ports, await signerNow(ports), value);
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
function sentAgain(
  { stamp, clock }: Pick<ParkedPorts, "stamp" | "clock">,
  signer: WorkSigner,
  record: ParkedRecord,
): OutgoingMessage {
  const before = Number(PARKED_SUFFIX.exec(record.workMessageId)?.[1] ?? "0");
  const suffix = `~p${before + 1}`;
  const base = record.workMessageId.replace(PARKED_SUFFIX, "");
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(before - 1, 20));
  const messageId = `${base.slice(0, limits.messageIdChars - suffix.length)}${suffix}`;
  const body = provenAnew(signer, record);
  return {
    messageId,
    sessionId: record.sessionId,
    body,
    properties: {
      ...textual(record.properties),
      // A message of its own time: copies of one message are told apart by when they were sent.
      ...eventProperties({
        id: messageId,
        source: stamp.source,
        type: record.unreadType,
        time: signer.at,
      }),
      ...provenAgain(signer, stamp, { record, messageId, body }),
    },
    ...(before === 0 ? {} : { scheduledAt: new Date(clock.now() + pauseMs) }),
  };
}

/** The codes of its parts may be of a key that is no longer valid when its result comes. */
function provenAnew(signer: WorkSigner, { unreadType, payload }: ParkedRecord): string {
  // Of a version that this cloud does not write: its reports prove themselves by the codes that it was given.
  if (unreadType !== WORK_MESSAGE_TYPE) return payload;
  const work = WorkMessage.safeParse(JSON.parse(payload));
  if (!work.success) return payload;
  return JSON.stringify({ ...work.data, proof: workProof(signer, work.data) });
}

function provenAgain(
  signer: WorkSigner,
  { tenant, branch }: ParkedPorts["stamp"],
  {
    record: { group, target, properties, unreadType: type },
    messageId,
    body,
  }: { readonly record: ParkedRecord; readonly messageId: string; readonly body: string },
): Record<string, string | number> {
  const { definition, cycleId, version, count, stream, lane, jobId } =
    readPosternProperties(properties);
  invariant(
    definition && cycleId && version && count && stream && lane,
    "the properties of a parked message were proven when it was kept",
  );
  return provenProperties(signer, {
    ...{ messageId, type, tenant, branch, group, target },
    ...{ definition, cycleId, version, count, stream, lane, jobId },
    bodyHash: bodyHash(body),
  });
}

function textual(properties: ParkedRecord["properties"]): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === "boolean" ? String(value) : value,
    ]),
  );
}
