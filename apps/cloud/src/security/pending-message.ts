/** Messages whose key was not known: kept with their security events, and judged again by a timer. */
import { eventProperties, type GroupName, KeyId, type SecurityEvent } from "@postern/contracts";
import { z } from "zod";
import type { SyncPorts } from "../ports/cloud-ports";
import type { ReceivedMessage } from "../ports/message-bus";

/** A message of the results queue, as it is kept: its CloudEvents type and its body. */
const Pending = z.object({ type: z.string(), key: KeyId, body: z.record(z.string(), z.unknown()) });
type Pending = z.infer<typeof Pending>;

export function pendingText(pending: {
  readonly type: string;
  /** Undefined: it names none, so it cannot wait for one. */
  readonly key: KeyId | undefined;
  readonly body: object;
}): string {
  return JSON.stringify(pending);
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
  for (const event of await security.pending(AT_ONCE)) {
    const pending = readPending(event);
    if (pending !== undefined) {
      if ((await workKeys.verifying(pending.key)).kind === "unknown") continue;
      await consume(event.group, receivedAgain(event, pending));
      judged += 1;
    }
    await security.settle(event);
  }
  if (judged > 0) logger.info("proof.judged", { count: judged });
  return judged;
}

/** Undefined for what this version cannot read. */
function readPending({ pending }: SecurityEvent): Pending | undefined {
  try {
    return Pending.safeParse(JSON.parse(pending ?? "")).data;
  } catch {
    return undefined;
  }
}

function receivedAgain({ id, queue, at }: SecurityEvent, { type, body }: Pending): ReceivedMessage {
  return {
    body,
    messageId: id,
    properties: eventProperties({ id, source: queue, type, time: at }),
    deliveryCount: 0,
  };
}
