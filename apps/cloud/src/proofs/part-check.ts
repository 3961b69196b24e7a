/** Whether a result is of work that its sender held: its code, and the ids and contents of its items. Pure. */
import {
  contentHash,
  type GroupName,
  itemIdOf,
  type ItemResult,
  partCode,
  type PartFacts,
  stampedParts,
  type WorkItem,
  type WorkMessage,
  type WorkMessageResult,
} from "@postern/contracts";
import type { Stamp } from "../ports/cloud-ports";
import type { KeyFinding } from "../ports/work-keys";
import { checkCode, type ProofCheck, proven, unproven } from "./code-check";

/** Whose work it must be: the cloud says so itself, by the queue that the result came in. */
export interface Holder extends Pick<Stamp, "tenant" | "branch"> {
  readonly group: GroupName;
}

export function checkResult(
  holder: Holder,
  result: WorkMessageResult,
  finding: KeyFinding,
  nowMs: number,
): ProofCheck {
  for (const item of result.items) {
    const { entity, version, itemId } = item;
    if (itemIdOf(result.definition, entity, version) !== itemId) {
      return unproven("content-changed", `item '${itemId}' does not name its entity and version`);
    }
  }
  const { key, at, code, firstAttemptAt } = result.proof;
  const facts: PartFacts = {
    ...result,
    ...holder,
    key,
    at,
    firstAttemptAt,
    partId: result.workMessageId,
    items: result.items,
  };
  return checkCode({ key, at, code }, finding, (secret) => partCode(secret, facts), nowMs);
}

/** Whether a work message is as the cloud sent it: the code of every part, and every item's id and hash. */
export function checkWork(
  holder: Holder,
  message: WorkMessage,
  finding: KeyFinding,
  nowMs: number,
): ProofCheck {
  const { key, at } = message.proof;
  for (const item of message.items) {
    const itemId = itemIdOf(message.definition, item.entity, item.version);
    if (item.itemId !== itemId || item.hash !== contentHash(item)) {
      return unproven("content-changed", `item '${item.itemId}' is not what its id and hash say`);
    }
  }
  for (const { id: partId, from, to, code } of stampedParts(message)) {
    const items = message.items.slice(from, to);
    const facts: PartFacts = { ...message, ...holder, key, at, partId, items };
    const check = checkCode({ key, at, code }, finding, (secret) => partCode(secret, facts), nowMs);
    if (!check.proven) return check;
  }
  return proven;
}

/**
 * The item that a proven result gives back, if it is the one that went out. Made anew from what its id and hash cover:
 * nothing else that the sender wrote goes on.
 */
export function provenItem({
  itemId,
  entity,
  version,
  hash,
  item,
}: ItemResult): WorkItem | undefined {
  if (item === undefined || item.hash !== hash || contentHash(item) !== hash) return undefined;
  if (item.itemId !== itemId || item.version !== version) return undefined;
  if (item.entity.type !== entity.type || item.entity.id !== entity.id) return undefined;
  const { desired, object, key, values } = item;
  return { itemId, entity, version, desired, object, key, values, hash };
}
