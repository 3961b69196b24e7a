/**
 * Decides which lane is given up so that a slot can wait for the next one. There is one `LaneSlots` per target.
 *
 * A message for a lane that no agent holds is picked up without delay only when a slot is already asking the broker for
 * a lane. So some slots are kept asking: when too few are, the lane that has been idle longest is given up, one for
 * each missing slot. A lane with work is never chosen here: it ends by its share.
 *
 * The target loop reports when a slot starts and stops asking, lane runners when a lane is idle, working, ended or
 * closed. `LaneSlots` never closes a lane: it names one and wakes its runner, which then checks whether the lane is
 * kept.
 */
export interface HeldLane {
  readonly wake: () => void;
}

/**
 * Two, so that a second message finds a slot while a lane is given up for the first; a target with few slots spares
 * one.
 */
const KEPT_ASKING = 2;
const SLOTS_FOR_TWO = 4;
/** A waiting request costs a link at both ends, so an idle agent has only these few, however many slots it has. */
const MOST_ASKING = 4;

export class LaneSlots {
  readonly #kept: number;
  /** How many slots may ask at the same time. */
  readonly mostAsking: number;
  /** In the order in which they became idle. */
  readonly #idle = new Set<HeldLane>();
  #asking = 0;
  /** Lanes that have ended but are not closed yet: their slots will ask. */
  #closing = 0;

  constructor(slots: number) {
    this.mostAsking = Math.min(slots, MOST_ASKING);
    this.#kept = slots < SLOTS_FOR_TWO ? 1 : KEPT_ASKING;
  }

  /** Whether one more slot may ask. */
  mayAsk(): boolean {
    return this.#asking < this.mostAsking;
  }

  startAsking(): void {
    this.#asking += 1;
  }

  stopAsking(): void {
    this.#asking -= 1;
    this.#wakeWanted();
  }

  /** Marks a lane as having no work, from now on or, when it was idle already, since then. */
  markIdle(lane: HeldLane): void {
    if (this.#idle.has(lane)) return;
    this.#idle.add(lane);
    this.#wakeWanted();
  }

  markWorking(lane: HeldLane): void {
    this.#idle.delete(lane);
  }

  /** Whether this idle lane must be given up so that a slot can ask. */
  isWanted(lane: HeldLane): boolean {
    if (this.#asking + this.#closing >= this.#kept) return false;
    const [longest] = this.#idle;
    return longest === lane;
  }

  endLane(lane: HeldLane): void {
    this.#closing += 1;
    this.#idle.delete(lane);
    this.#wakeWanted();
  }

  confirmClosed(): void {
    this.#closing -= 1;
  }

  #wakeWanted(): void {
    const [longest] = this.#idle;
    if (longest !== undefined && this.isWanted(longest)) longest.wake();
  }
}
