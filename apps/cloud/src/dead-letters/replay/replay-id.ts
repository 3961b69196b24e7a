import type { DeadLetter, DefinitionId, ItemId, MessageId, Version } from "@postern/contracts";
import { itemDigest } from "../../work/item-message-ids";

/**
 * Message ids of replays, `DEFINITION:VERSION.d-ITEM#replay-N`: made from the item and the number, so that two requests
 * for one replay give one message; and still to be recognised in the ids of its retries, which end in `~HASH#ATTEMPT`.
 */
export function replayMessageId(
  place: { readonly definition: DefinitionId; readonly version: Version; readonly itemId: ItemId },
  number: number,
): MessageId {
  const item = itemDigest(place.itemId, 24);
  return `${place.definition}:${place.version}.d-${item}#replay-${number}` as MessageId;
}

export interface ReplayRef {
  /** Id of the message that the replay sent. */
  readonly messageId: string;
  readonly number: number;
}

/** The replay that a message, or a retry of it, comes from; undefined when it comes from none. */
export function replayOf(messageId: string | null): ReplayRef | undefined {
  const match = /^(.*\.d-[0-9a-f]{24}#replay-)(\d{1,6})(?:~|$)/.exec(messageId ?? "");
  const [, base, number] = match ?? [];
  if (base === undefined || number === undefined) return undefined;
  return { messageId: `${base}${number}`, number: Number(number) };
}

/** Of the next replay of an open letter, or of the one to be sent again. */
export function nextReplayNumber(letter: DeadLetter): number {
  const last = letter.replay?.number ?? 0;
  return letter.state === "open" ? last + 1 : Math.max(1, last);
}
