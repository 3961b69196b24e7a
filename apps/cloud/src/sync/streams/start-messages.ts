/** Messages that ask for a page run. Their ids are made from their content, so that duplicates are dropped. */
import {
  type Checkpoint,
  type CycleId,
  type DefinitionId,
  eventProperties,
  START_MESSAGE_TYPE,
  type StartMessage,
  startSession,
  type StreamName,
} from "@postern/contracts";
import type { OutgoingMessage } from "../../ports/message-bus";
import type { SyncPorts } from "../../ports/cloud-ports";

/** Random characters that distinguish messages of the same millisecond. */
const UNIQUE_CHARS = 8;

export function startMessageOf(
  ports: Pick<SyncPorts, "stamp" | "clock" | "tracing">,
  messageId: string,
  body: StartMessage,
  scheduledAtMs?: number,
): OutgoingMessage {
  const traceparent = ports.tracing.traceparent();
  return {
    messageId,
    sessionId: startSession(body.definition, body.stream),
    body: JSON.stringify(body),
    properties: eventProperties({
      id: messageId,
      source: ports.stamp.source,
      type: START_MESSAGE_TYPE,
      time: new Date(ports.clock.now()).toISOString(),
      ...(traceparent === undefined ? {} : { traceparent }),
    }),
    ...(scheduledAtMs === undefined ? {} : { scheduledAt: new Date(scheduledAtMs) }),
  };
}

/**
 * Id of a message that asks again at `atMs`. Never the same twice: for the same moment, the broker would take the
 * second one for a repetition and drop it.
 */
export function repeatMessageId(
  { definition, stream }: Pick<StartMessage, "definition" | "stream">,
  label: string,
  atMs: number,
  random: Pick<SyncPorts["random"], "uuid">,
): string {
  const unique = random.uuid().slice(0, UNIQUE_CHARS);
  return `${startSession(definition, stream)}/${label}-${Math.ceil(atMs)}-${unique}`;
}

export function tickMessageId(definition: DefinitionId, stream: StreamName, tick: string): string {
  return `${startSession(definition, stream)}@${tick}`;
}

/** Asks for the page at which the checkpoint stands. */
export function continuationOf(
  ports: Pick<SyncPorts, "stamp" | "clock" | "tracing">,
  checkpoint: Checkpoint,
  cycleId: CycleId,
): OutgoingMessage {
  const { definition, stream, page, version } = checkpoint;
  return startMessageOf(ports, `${startSession(definition, stream)}/page-${page}#${version}`, {
    definition,
    stream,
    tick: new Date(ports.clock.now()).toISOString(),
    cycleId,
    reason: "continuation",
    page,
  });
}
