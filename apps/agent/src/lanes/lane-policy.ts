/**
 * Decides when a lane is given up, and how many messages are requested ahead. A lane is held for at most 500 items or 5
 * s, so that other agents and other lanes get a turn (design §3).
 */
export interface LaneLimits {
  readonly items: number;
  readonly heldMs: number;
  /** How long an idle lane is kept while enough slots ask for lanes. */
  readonly idleMs: number;
  /** How long the longest idle lane is kept when too few slots ask: other lanes may be waiting for its slot. */
  readonly idleWhenBusyMs: number;
}

export const defaultLaneLimits: LaneLimits = {
  items: 500,
  heldMs: 5_000,
  idleMs: 1_000,
  idleWhenBusyMs: 20,
};

export interface LaneFacts {
  readonly itemsTaken: number;
  readonly heldMs: number;
  /** Since the last message arrived or was finished; 0 while there is work in hand. */
  readonly idleMs: number;
  /** Whether the slot is wanted for another lane. */
  readonly wanted: boolean;
}

export type LaneDecision =
  | { readonly kind: "keep"; readonly forMs: number }
  | { readonly kind: "give-up"; readonly because: "share" | "idle" };

export function decideLane(facts: LaneFacts, lane: LaneLimits): LaneDecision {
  const leftMs = lane.heldMs - facts.heldMs;
  if (facts.itemsTaken >= lane.items || leftMs <= 0) return { kind: "give-up", because: "share" };
  const patienceMs = facts.wanted ? lane.idleWhenBusyMs : lane.idleMs;
  if (facts.idleMs >= patienceMs) return { kind: "give-up", because: "idle" };
  return { kind: "keep", forMs: Math.min(leftMs, patienceMs - facts.idleMs) };
}

/** Enough messages are requested ahead to fill a unit of small ones, and no more: what is not taken must go back. */
const ITEMS_AHEAD = 100;
const FEWEST_CREDITS = 3;
const MOST_CREDITS = 64;
const FIRST_CREDITS = 16;

/** How many messages a lane requests ahead, from the recent average of items per message on its queue. */
export function creditsFor(itemsPerMessage: number | undefined): number {
  if (itemsPerMessage === undefined) return FIRST_CREDITS;
  const wanted = Math.ceil(ITEMS_AHEAD / Math.max(1, itemsPerMessage));
  return Math.min(MOST_CREDITS, Math.max(FEWEST_CREDITS, wanted));
}

/** A moving average over about the last 16 messages. */
export function nextItemsPerMessage(average: number | undefined, items: number): number {
  return average === undefined ? items : average + (items - average) / 16;
}

/** Whether taking a message makes room for another: not once the lane's share has been delivered. */
export function wantsMore(deliveredItems: number, lane: LaneLimits): boolean {
  return deliveredItems < lane.items;
}

/**
 * Whether more messages are requested before a unit is applied, or after. After, while the broker may still deliver
 * half of what was requested: a request in parallel would delay the unit's own.
 */
export function asksBeforeUnit(undone: number, credits: number): boolean {
  return undone * 2 >= credits;
}
