import { streamOf, type WorkSigner } from "@postern/contracts";
import type { OutgoingMessage } from "../../ports/message-bus";
import { singleItemMessage } from "../../work/work-messages";
import type { DeadLetterPorts } from "../dead-letter-ports";
import type { Candidate } from "./replay-candidates";

/** The work message of a replay: the same item and version under its own message id. */
export function replayMessage(
  ports: DeadLetterPorts,
  signer: WorkSigner,
  { stored, item, definition, cycleId }: Candidate,
  messageId: string,
  scheduledAtMs: number | undefined,
): OutgoingMessage {
  // Without the earlier attempts: the time for retries starts over. Their log stays in the dead letter.
  return singleItemMessage(
    {
      stamp: ports.stamp,
      signer,
      definition,
      stream: streamOf(item.entity.type),
      cycleId,
      version: item.version,
      time: new Date(ports.clock.now()).toISOString(),
      traceparent: ports.tracing.traceparent() ?? stored.value.traceparent ?? undefined,
    },
    item,
    { messageId, ...(scheduledAtMs === undefined ? {} : { scheduledAt: new Date(scheduledAtMs) }) },
  );
}
