/** Messages whose key was not known: kept with their security events, and judged again by a timer. */
import {
  eventProperties,
  type GroupName,
  type KeyId,
  limits,
  type SecurityEvent,
} from "@postern/contracts";
import { z } from "zod";
import type { SyncPorts } from "../ports/cloud-ports";
import type { ReceivedMessage } from "../ports/message-bus";

/** A message of the results queue, as it is kept: its CloudEvents type and its body. */
const Pending = z.object({ type: z.string(), body: z.record(z.string(), z.unknown()) });

/** A message that waits until its key is known. */
export interface PendingMessage {
  readonly key: KeyId;
  readonly type: string;
  readonly body: object;
}

/** Undefined when it is longer than an event can hold. */
export function pendingText({ type, body }: PendingMessage): string | undefined {
  const text = JSON.stringify({ type, body });
  return text.length > limits.messageBytes ? undefined : text;
}

export type PendingPorts = Pick<SyncPorts, "security" | "workKeys" | "logger">;

/** Takes a message as the results queue of a group would deliver it. */
export type ConsumeAgain = (group: GroupName, message: ReceivedMessage) => Promise<void>;

/** Read in one run; the rest follows in the next. */
const AT_ONCE = 200;

/**
 * Judges again what waits for its key. What still has none stays until its event expires, after which its code would
 * have expired as well. Safe to repeat: a result counts once. Returns how many were judged.
 *
 * @throws ServiceUnavailable
 */
export async function judgePending(
  { security, workKeys, logger }: PendingPorts,
  consume: ConsumeAgain,
): Promise<number> {
  let judged = 0;
  for (const event of await security.pending(await workKeys.ids(), AT_ONCE)) {
    const pending = readPending(event);
    if (pending !== undefined) {
      await consume(event.group, receivedAgain(event, pending));
      judged += 1;
    }
    await security.settle(event);
  }
  if (judged > 0) logger.info("proof.judged", { count: judged });
  return judged;
}

/** Undefined for what this version cannot read. */
function readPending({ pending }: SecurityEvent): z.infer<typeof Pending> | undefined {
  try {
    return Pending.safeParse(JSON.parse(pending ?? "")).data;
  } catch {
    return undefined;
  }
}

function receivedAgain(
  { id, queue, at }: SecurityEvent,
  { type, body }: z.infer<typeof Pending>,
): ReceivedMessage {
  return {
    body,
    messageId: id,
    properties: eventProperties({ id, source: queue, type, time: at }),
    deliveryCount: 0,
  };
}
