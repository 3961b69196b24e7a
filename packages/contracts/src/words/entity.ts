import { z } from "zod";
import { entityKey } from "./entity-key";
import { limits } from "./limits";
import type { DefinitionId, ItemId, Lane, Version } from "./ids";

/** A membership is an entity of its own: one direct member, of any type, of one group. */
export const EntityType = z.enum(["user", "group", "membership"]);
export type EntityType = z.infer<typeof EntityType>;

export const EntityRef = z.object({
  type: EntityType,
  /** Graph id; for a membership `GROUP_ID/MEMBER_ID`. */
  id: z.string().min(1).max(limits.entityIdChars),
});
export type EntityRef = z.infer<typeof EntityRef>;

/** The Graph delta query that an entity's changes come from. */
export const StreamName = z.enum(["users", "groups"]);
export type StreamName = z.infer<typeof StreamName>;

export const streams = StreamName.options;

export function streamOf(type: EntityType): StreamName {
  return type === "user" ? "users" : "groups";
}

export function membershipRef(groupId: string, memberId: string): EntityRef {
  return { type: "membership", id: `${groupId}/${memberId}` };
}

/** Number of lanes of a definition, fixed for its life: changing it would move entities between sessions. */
export const LANE_COUNT = 16;

/** FNV-1a over UTF-16 code units: spreads GUIDs evenly and needs no library on either side. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

export function laneOf(definition: DefinitionId, entity: EntityRef): Lane {
  const lane = hash32(`${entity.type}:${entity.id}`) % LANE_COUNT;
  return `${definition}/${String(lane).padStart(2, "0")}` as Lane;
}

export function lanesOf(definition: DefinitionId): Lane[] {
  return Array.from(
    { length: LANE_COUNT },
    (_, lane) => `${definition}/${String(lane).padStart(2, "0")}` as Lane,
  );
}

export function itemIdOf(definition: DefinitionId, entity: EntityRef, version: Version): ItemId {
  return `${definition}:${entityKey(entity)}:${version}` as ItemId;
}
