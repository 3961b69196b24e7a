/**
 * Ids of messages that carry one item, made from what they stand for: said twice they are one message. Which item it is
 * they take from its id, never from its content: two entities of one page may want the same of the target.
 */
import { createHash } from "node:crypto";
import {
  type DefinitionId,
  type ItemId,
  limits,
  type MessageId,
  type WorkItem,
} from "@postern/contracts";

/** `~HASH#ATTEMPT`, with the most digits that an attempt may have. */
const RETRY_SUFFIX_CHARS = 25;

/** Lower-case hexadecimal digits, at most 64. */
export function itemDigest(itemId: ItemId, digits: number): string {
  return createHash("sha256").update(itemId).digest("hex").slice(0, digits);
}

/** Of the copy that is tried again after the message that `workMessageId` names, itself a retry or not. */
export function retryMessageId(workMessageId: string, itemId: ItemId, attempt: number): string {
  const base = workMessageId.replace(/#\d+$/, "").replace(/~[0-9a-f]{16}$/, "");
  return `${base.slice(0, limits.messageIdChars - RETRY_SUFFIX_CHARS)}~${itemDigest(itemId, 16)}#${attempt}`;
}

/** Whether a work message is such a copy. */
export function isRetryId(workMessageId: string): boolean {
  return /~[0-9a-f]{16}#\d+$/.test(workMessageId);
}

export function releaseMessageId(
  definition: DefinitionId,
  { version, itemId }: Pick<WorkItem, "version" | "itemId">,
): MessageId {
  return `${definition}:${version}.r-${itemDigest(itemId, 24)}#release-1` as MessageId;
}
