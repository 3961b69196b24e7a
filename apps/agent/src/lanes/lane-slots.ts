/**
 * Which lane is given up so that a slot waits for the next one. One of these a target.
 *
 * A message for a lane that nobody holds is picked up at once only when a slot is already asking the broker for a lane. So
 * some slots are kept asking: when fewer are, the lane that has been idle longest is given up, one for each that is
 * missing, and no other. Lanes with work are never named here: they end by their share.
 *
 * Called by the target loop (a slot begins and ends to ask) and by lane runners (idle, at work, ended, closed). It never
 * closes anything: it names a lane, and wakes its runner.
 */

/** A lane that is held, to the others of its target. */
export interface HeldLane {
  /** Looks again at whether it is kept. */
  readonly wake: () => void;
}

/** Two, so that a second message finds one while the first has a lane given up for it; a target with few slots spares one. */
const KEPT_ASKING = 2;
const SLOTS_FOR_TWO = 4;
/** A request that waits costs a link of its own, at both ends: an agent at rest has these few, whatever its slots. */
const MOST_ASKING = 4;

export class LaneSlots {
  readonly #kept: number;
  /** As many slots ask at the same time, and no more. */
  readonly mostAsking: number;
  /** In the order in which they became idle. */
  readonly #idle = new Set<HeldLane>();
  #asking = 0;
  /** Lanes that have ended and are not closed yet: their slots will ask. */
  #closing = 0;

  constructor(slots: number) {
    this.mostAsking = Math.min(slots, MOST_ASKING);
    this.#kept = slots < SLOTS_FOR_TWO ? 1 : KEPT_ASKING;
  }

  /** Whether one more slot is to ask. */
  mayAsk(): boolean {
    return this.#asking < this.mostAsking;
  }

  asks(): void {
    this.#asking += 1;
  }

  asked(): void {
    this.#asking -= 1;
    this.#look();
  }

  /** Has no work, since now or, when it was idle before, since then. */
  idles(lane: HeldLane): void {
    if (this.#idle.has(lane)) return;
    this.#idle.add(lane);
    this.#look();
  }

  works(lane: HeldLane): void {
    this.#idle.delete(lane);
  }

  /** Whether this idle lane is the one to be given up for a slot that asks. */
  isWanted(lane: HeldLane): boolean {
    if (this.#asking + this.#closing >= this.#kept) return false;
    const [longest] = this.#idle;
    return longest === lane;
  }

  ends(lane: HeldLane): void {
    this.#closing += 1;
    this.#idle.delete(lane);
    this.#look();
  }

  closed(): void {
    this.#closing -= 1;
  }

  #look(): void {
    const [longest] = this.#idle;
    if (longest !== undefined && this.isWanted(longest)) longest.wake();
  }
}
