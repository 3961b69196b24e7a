/**
 * Apart from `entity.ts`, whose schemas bring the schema library: the thread of a target needs keys, and carries no library
 * for them.
 */
interface Keyed {
  readonly type: string;
  readonly id: string;
}

/** Key of an entity within its lane. Cosmos ids may hold neither `/` nor `\`. */
export function entityKey(entity: Keyed): string {
  return `${entity.type}:${entity.id.replace(/[/\\?#]/g, ":")}`;
}
