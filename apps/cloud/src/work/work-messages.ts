/** Work items on their way to the queue: made, grouped by lane, cut into messages, named. */
import {
  bodyHash,
  contentHash,
  type CycleId,
  type EntityRef,
  eventProperties,
  itemIdOf,
  type JobId,
  type Lane,
  laneOf,
  limits,
  type MessageId,
  provenProperties,
  type StreamName,
  type SyncDefinition,
  type Version,
  WORK_MESSAGE_TYPE,
  type WorkItem,
  type WorkMessage,
  workProof,
  workQueueName,
  type WorkSigner,
} from "@postern/contracts";
import type { OutgoingMessage } from "../ports/message-bus";
import type { Stamp } from "../ports/cloud-ports";

export interface WorkOrigin {
  readonly stamp: Stamp;
  readonly signer: WorkSigner;
  readonly definition: WorkPlace;
  readonly stream: StreamName;
  readonly cycleId: CycleId;
  readonly jobId?: JobId | undefined;
  readonly verify?: boolean | undefined;
  readonly version: Version;
  readonly time: string;
  readonly traceparent: string | undefined;
}

/** Where work goes: to the group and target that its definition had when it was made. */
export type WorkPlace = Pick<SyncDefinition, "id" | "group" | "target">;

export function workQueueOf({ group, target }: WorkPlace): string {
  return workQueueName(group, target);
}

export function makeItem(
  definition: SyncDefinition,
  entity: EntityRef,
  version: Version,
  state: Pick<WorkItem, "desired" | "object" | "key" | "values">,
): WorkItem {
  return {
    itemId: itemIdOf(definition.id, entity, version),
    entity,
    version,
    ...state,
    hash: contentHash(state),
  };
}

/** Bytes of the message around its items: addresses, ids and the codes of a few report parts, each bounded. */
const ENVELOPE_BYTES = 4_096;
export const maxItemBytes = limits.messageBytes - ENVELOPE_BYTES;

interface Part {
  readonly lane: Lane;
  readonly items: WorkItem[];
  readonly texts: string[];
  bytes: number;
}

export interface CutMessages {
  readonly messages: OutgoingMessage[];
  /** Items that no message can carry. */
  readonly oversize: WorkItem[];
}

/** Cuts items into messages of one lane each: at most 100 items and 200 KB. */
export function cutMessages(items: readonly WorkItem[], origin: WorkOrigin): CutMessages {
  const lanes = new Map<Lane, Part[]>();
  const oversize: WorkItem[] = [];
  for (const item of items) {
    const text = JSON.stringify(item);
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > maxItemBytes) {
      oversize.push(item);
      continue;
    }
    const lane = laneOf(origin.definition.id, item.entity);
    const parts = lanes.get(lane);
    const last = parts?.at(-1);
    if (
      last === undefined ||
      last.texts.length === limits.itemsPerMessage ||
      last.bytes + bytes > maxItemBytes
    ) {
      const part: Part = { lane, items: [item], texts: [text], bytes };
      if (parts === undefined) lanes.set(lane, [part]);
      else parts.push(part);
    } else {
      last.items.push(item);
      last.texts.push(text);
      last.bytes += bytes;
    }
  }
  const messages = [...lanes.values()].flatMap((parts) =>
    parts.map((part, index) =>
      outgoing(origin, part, {
        messageId: `${origin.definition.id}:${origin.version}.${part.lane.slice(-2)}.${index}#0`,
      }),
    ),
  );
  return { messages, oversize };
}

type Envelope = Omit<WorkMessage, "items" | "proof">;

/** A message for a single item: a retry, a release, a replay. */
export function singleItemMessage(
  origin: WorkOrigin,
  item: WorkItem,
  more: {
    readonly messageId: string;
    readonly scheduledAt?: Date;
    readonly attempts?: WorkMessage["attempts"];
    readonly firstAttemptAt?: string | undefined;
  },
): OutgoingMessage {
  const lane = laneOf(origin.definition.id, item.entity);
  return outgoing(origin, { lane, items: [item], texts: [JSON.stringify(item)] }, more);
}

function outgoing(
  origin: WorkOrigin,
  { lane, items, texts }: Pick<Part, "lane" | "items" | "texts">,
  more: {
    readonly messageId: string;
    readonly scheduledAt?: Date;
    readonly attempts?: WorkMessage["attempts"];
    readonly firstAttemptAt?: string | undefined;
  },
): OutgoingMessage {
  const { stamp, signer, definition, stream, cycleId, jobId, verify, version } = origin;
  const envelope: Envelope = {
    messageId: more.messageId as MessageId,
    tenant: stamp.tenant,
    branch: stamp.branch,
    definition: definition.id,
    stream,
    group: definition.group,
    target: definition.target,
    lane,
    cycleId,
    ...(jobId === undefined ? {} : { jobId }),
    ...(verify === true ? { verify } : {}),
    version,
    ...(more.attempts === undefined ? {} : { attempts: more.attempts }),
    ...(more.firstAttemptAt === undefined ? {} : { firstAttemptAt: more.firstAttemptAt }),
  };
  // The items are text already, and are the bulk of it: only the envelope around them is made here.
  const proof = workProof(signer, { ...envelope, items });
  const body = `${JSON.stringify({ ...envelope, proof }).slice(0, -1)},"items":[${texts.join(",")}]}`;
  return {
    messageId: more.messageId,
    sessionId: lane,
    body,
    properties: {
      ...eventProperties({
        id: more.messageId,
        source: stamp.source,
        type: WORK_MESSAGE_TYPE,
        time: origin.time,
        ...(origin.traceparent === undefined ? {} : { traceparent: origin.traceparent }),
      }),
      ...provenProperties(signer, {
        messageId: more.messageId,
        type: WORK_MESSAGE_TYPE,
        tenant: stamp.tenant,
        branch: stamp.branch,
        definition: definition.id,
        cycleId,
        version,
        count: items.length,
        stream,
        target: definition.target,
        group: definition.group,
        jobId,
        lane,
        bodyHash: bodyHash(body),
      }),
    },
    ...(more.scheduledAt === undefined ? {} : { scheduledAt: more.scheduledAt }),
  };
}
