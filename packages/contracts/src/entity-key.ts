import type { EntityRef } from "./words/entity";

/** Key of an entity within its lane. Cosmos ids may hold neither `/` nor `\`. */
export function entityKey(entity: EntityRef): string {
  return `${entity.type}:${entity.id.replace(/[/\\?#]/g, ":")}`;
}
