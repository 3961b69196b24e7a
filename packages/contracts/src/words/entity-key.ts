/**
 * Kept out of `entity.ts`, whose schemas pull in the schema library: a target's thread needs keys but should not load
 * that library.
 */
interface Keyed {
  readonly type: string;
  readonly id: string;
}

/** Key of an entity within its lane. Cosmos ids may hold neither `/` nor `\`. */
export function entityKey(entity: Keyed): string {
  return `${entity.type}:${entity.id.replace(/[/\\?#]/g, ":")}`;
}
