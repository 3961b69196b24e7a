import { entityKey, limits, type WorkItem, type WorkMessage } from "@postern/contracts";
import type { Delivery } from "../ports/broker";

/**
 * A unit is read, applied, recorded, reported and settled together: the messages of one lane that had been delivered
 * when it was formed, up to 100 items. Order within a lane is always the order of delivery.
 */
export interface ReadDelivery {
  readonly delivery: Delivery;
  readonly message: WorkMessage;
}

export interface Unit {
  readonly messages: readonly ReadDelivery[];
  readonly itemCount: number;
  /** Whether each item is applied on its own, because the process has ended on this message before. */
  readonly alone: boolean;
}

/** An item and its place in the unit. */
export interface UnitItem {
  readonly messageIndex: number;
  readonly itemIndex: number;
  readonly source: WorkMessage;
  readonly item: WorkItem;
  /** `entityKey` of its entity, which is the id of its ledger entry. */
  readonly key: string;
}

/** After this many deliveries without a settlement, items run alone (design §3). */
export const ALONE_AFTER_DELIVERIES = 3;

/**
 * The next unit, from the front of what has been delivered. A message is never split; one that ended the process before
 * forms a unit by itself.
 */
export function formUnit(waiting: readonly ReadDelivery[]): Unit {
  const first = waiting[0];
  if (first === undefined) return { messages: [], itemCount: 0, alone: false };
  if (isSuspect(first)) {
    return { messages: [first], itemCount: first.message.items.length, alone: true };
  }
  let itemCount = 0;
  let taken = 0;
  for (const entry of waiting) {
    const after = itemCount + entry.message.items.length;
    if (taken > 0 && (after > limits.itemsPerMessage || isSuspect(entry))) break;
    itemCount = after;
    taken += 1;
  }
  return { messages: waiting.slice(0, taken), itemCount, alone: false };
}

function isSuspect(entry: ReadDelivery): boolean {
  return entry.delivery.deliveryCount >= ALONE_AFTER_DELIVERIES;
}

/**
 * The rounds in which a unit is applied. A round holds each entity at most once, because a target's batch and a
 * transactional batch of the ledger may hold it only once; an entity's second item is in a later round than its first.
 */
export function roundsOf(unit: Unit): readonly (readonly UnitItem[])[] {
  const rounds: UnitItem[][] = [];
  const seen = new Map<string, number>();
  for (const [messageIndex, { message }] of unit.messages.entries()) {
    for (const [itemIndex, item] of message.items.entries()) {
      const key = entityKey(item.entity);
      const earlier = seen.get(key) ?? 0;
      seen.set(key, earlier + 1);
      const round = unit.alone ? rounds.length : earlier;
      (rounds[round] ??= []).push({ messageIndex, itemIndex, source: message, item, key });
    }
  }
  return rounds;
}
