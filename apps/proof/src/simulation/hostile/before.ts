/**
 * Work of before the simulated world began, that the hostile agent held then: of a definition that has moved to another
 * group since, and of a time so long ago that the marker of its report has expired.
 */
import {
  contentHash,
  type CycleId,
  itemIdOf,
  laneOf,
  type MessageId,
  type Version,
  type WorkItem,
  type WorkMessage,
  workProof,
  type WorkSigner,
} from "@postern/contracts";
import type { WorkKey } from "@postern/cloud";
import { BEGINNING_MS } from "../clockwork/timeline";
import { annexDefinition, annexPlace, definition, type Place, place } from "../plan/sim-definition";

const HOUR_MS = 3_600_000;

export interface Before {
  /** Of the other group's definition, which was this group's two days ago. */
  readonly moved: WorkMessage;
  /** Of the other group, which it was in two days ago: its code is right, but for the group that it is in now. */
  readonly elsewhere: WorkMessage;
  /** Thirty days and a half old. */
  readonly expired: WorkMessage;
}

/** @param oldKey signed until some weeks ago; @param key signs since */
export function beforeTheWorld(oldKey: WorkKey, key: WorkKey): Before {
  const signer = ({ id, secret }: WorkKey, hoursAgo: number): WorkSigner => {
    return { key: id, secret, at: new Date(BEGINNING_MS - hoursAgo * HOUR_MS).toISOString() };
  };
  return {
    moved: oldMessage(definition.id, annexPlace, signer(key, 48)),
    elsewhere: oldMessage(definition.id, place, signer(key, 47)),
    expired: oldMessage(annexDefinition.id, annexPlace, signer(oldKey, 30.5 * 24)),
  };
}

function oldMessage(
  id: WorkMessage["definition"],
  { tenant, branch, group, target }: Place,
  signer: WorkSigner,
): WorkMessage {
  const version = Date.parse(signer.at) as Version;
  const entity = { type: "user", id: "bygone" } as const;
  const content = {
    desired: "present" as const,
    object: "people",
    key: { id: entity.id },
    values: { display_name: "of long ago" },
  };
  const item: WorkItem = {
    itemId: itemIdOf(id, entity, version),
    entity,
    version,
    ...content,
    hash: contentHash(content),
  };
  const message = {
    messageId: `${id}:${version}.00.0#0` as MessageId,
    ...{ tenant, branch, group, target, definition: id },
    stream: "users" as const,
    lane: laneOf(id, entity),
    cycleId: "c20251201T000000000Z-bygone00" as CycleId,
    version,
    items: [item],
  };
  return { ...message, proof: workProof(signer, message) };
}
