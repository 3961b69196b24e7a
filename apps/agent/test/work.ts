import {
  type BranchId,
  contentHash,
  type CycleId,
  type DefinitionId,
  type EntityRef,
  eventProperties,
  type GroupName,
  itemIdOf,
  type Lane,
  laneOf,
  type MessageId,
  streamOf,
  type TargetName,
  type TenantId,
  type Version,
  WORK_MESSAGE_TYPE,
  type WorkItem,
  type WorkMessage,
  workProof,
  type WorkSigner,
} from "@postern/contracts";

/** Work as the cloud would send it: people of one definition, in the lanes they belong to. */
export const tenant = "11111111-2222-3333-4444-555555555555" as TenantId;
export const branch = "oslo" as BranchId;
export const group = "main" as GroupName;
export const definition = "people" as DefinitionId;
export const target = "hr-db" as TargetName;

/** Stamps as the cloud does. */
const signer: WorkSigner = {
  key: "test-key",
  secret: Buffer.alloc(32, 7),
  at: "2026-01-01T00:00:00.000Z",
};

export interface PersonChange {
  readonly id: string;
  readonly version: number;
  /** null: the person is gone. */
  readonly name: string | null;
}

export function person(change: PersonChange): WorkItem {
  const entity: EntityRef = { type: "user", id: change.id };
  const version = change.version as Version;
  const content = {
    desired: change.name === null ? ("absent" as const) : ("present" as const),
    object: "people",
    key: { id: change.id },
    values: change.name === null ? {} : { display_name: change.name },
  };
  return {
    itemId: itemIdOf(definition, entity, version),
    entity,
    version,
    ...content,
    hash: contentHash(content),
  };
}

export interface WorkOptions {
  readonly version?: number;
  readonly part?: string;
  readonly attempt?: number;
  readonly to?: TargetName;
  readonly firstAttemptAt?: string;
  readonly traceparent?: string;
}

/** One message per lane and hundred items, in order. */
export function workOf(changes: readonly PersonChange[], options: WorkOptions = {}): WorkMessage[] {
  const lanes = new Map<Lane, WorkItem[]>();
  for (const change of changes) {
    const item = person(change);
    const lane = laneOf(definition, item.entity);
    const items = lanes.get(lane) ?? [];
    items.push(item);
    lanes.set(lane, items);
  }
  return [...lanes].flatMap(([lane, items]) => {
    const messages: WorkMessage[] = [];
    for (let from = 0; from < items.length; from += 100) {
      messages.push(
        workMessageOf(lane, items.slice(from, from + 100), { part: `${from}`, ...options }),
      );
    }
    return messages;
  });
}

export function workMessageOf(
  lane: Lane,
  items: WorkItem[],
  options: WorkOptions = {},
): WorkMessage {
  const version = (options.version ?? items[0]?.version ?? 1) as Version;
  const lane2 = lane.slice(-2);
  const message: Omit<WorkMessage, "proof"> = {
    messageId:
      `${definition}:${version}.${lane2}.${options.part ?? "0"}#${options.attempt ?? 1}` as MessageId,
    tenant,
    branch,
    definition,
    stream: streamOf("user"),
    group,
    target: options.to ?? target,
    lane,
    cycleId: "c20260101" as CycleId,
    version,
    items,
    ...(options.firstAttemptAt === undefined ? {} : { firstAttemptAt: options.firstAttemptAt }),
  };
  return { ...message, proof: workProof(signer, message) };
}

export interface BusMessage {
  readonly messageId: string;
  readonly sessionId: string;
  readonly contentType: string;
  readonly applicationProperties: Record<string, string | number>;
  readonly body: unknown;
}

export function busMessage(message: WorkMessage, options: WorkOptions = {}): BusMessage {
  return {
    messageId: message.messageId,
    sessionId: message.lane,
    contentType: "application/json",
    applicationProperties: {
      ...eventProperties({
        id: message.messageId,
        source: "test",
        type: WORK_MESSAGE_TYPE,
        time: new Date().toISOString(),
        ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
      }),
      "postern:definition": message.definition,
      "postern:count": message.items.length,
    },
    body: message,
  };
}

/** Ids that all fall into one lane. */
export function idsInLane(
  count: number,
  lane: Lane = `${definition}/03` as Lane,
  prefix = "u",
): string[] {
  const ids: string[] = [];
  for (let index = 0; ids.length < count; index += 1) {
    const id = `${prefix}${index}`;
    if (laneOf(definition, { type: "user", id }) === lane) ids.push(id);
  }
  return ids;
}
