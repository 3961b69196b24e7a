/**
 * What a message of a dead-letter queue says, and whether it is the cloud's own. Its body is as the cloud sent it, for
 * a receiver cannot change it: a work message proves itself by the codes of its parts. Its properties may have been
 * rewritten: they count, where the body cannot be read, with the code that covers them.
 */
import {
  type Accounting,
  accountingOf,
  GroupName,
  type MessageId,
  type PosternProperties,
  readPosternProperties,
  WorkMessage,
  workQueueName,
} from "@postern/contracts";
import { ServiceUnavailable } from "@postern/runtime";
import type { SyncPorts } from "../../ports/cloud-ports";
import type { QueueOfGroup, ReceivedMessage } from "../../ports/message-bus";
import { type ProofCheck, unproven } from "../../proofs/code-check";
import { verifyEnvelope, verifyWork } from "../../proofs/verification";
import { reportProofFailures } from "../../security/proof-failures";
import { bodyText } from "../new-dead-letter";

export interface DrainedMessage {
  /** Undefined when the body is not a work message. */
  readonly work: WorkMessage | undefined;
  /** What to count; undefined when the message proves nothing, or is no work. */
  readonly accounting: Accounting | undefined;
  /** What the message says of itself, proven or not: for a person to read. */
  readonly claimed: Pick<PosternProperties, "definition" | "target" | "cycleId" | "version">;
}

/** @throws ServiceUnavailable, also when its key is not known: it comes again until the vault has it */
export async function readDrained(
  ports: SyncPorts,
  { queue, group: name }: QueueOfGroup,
  { body, messageId, properties }: ReceivedMessage,
): Promise<DrainedMessage> {
  const work = WorkMessage.safeParse(body).data;
  const said = readPosternProperties(properties);
  const claimed = work ?? said;
  const claims = accountingOf(properties);
  const group = GroupName.safeParse(name).data;
  // Nothing to count: a job, a result, or a tick.
  if (group === undefined || (work === undefined && claims === undefined)) {
    return { work, accounting: undefined, claimed };
  }
  const check =
    work === undefined
      ? await verifyEnvelope(ports, group, messageId, properties)
      : await checkWork(ports, { queue, group }, messageId, work);
  if (check.proven) {
    return { work, accounting: work === undefined ? claims : countOf(work), claimed };
  }
  const { problem: kind, detail } = check;
  if (kind === "key-unknown") throw new ServiceUnavailable("key-vault", detail);
  const subject = `${queue} ${messageId} ${bodyText(body)}`;
  await reportProofFailures(ports, [
    { kind, detail, queue, group, agent: null, messageId, subject },
  ]);
  return { work, accounting: undefined, claimed };
}

function countOf({ definition, cycleId, version, items }: WorkMessage): Accounting {
  return { definition, cycleId, version, count: items.length };
}

async function checkWork(
  ports: SyncPorts,
  { queue, group }: { readonly queue: string; readonly group: GroupName },
  messageId: string,
  work: WorkMessage,
): Promise<ProofCheck> {
  if (workQueueName(group, work.target) !== queue || work.messageId !== reportedId(messageId)) {
    return unproven("content-changed", "the body is of another message, or for another queue");
  }
  return verifyWork(ports, group, work);
}

/** The id that its agent reports under: for a message that was sent again after parking, the original id. */
export function reportedId(messageId: string): MessageId {
  return messageId.replace(/~p\d{1,4}$/, "") as MessageId;
}
