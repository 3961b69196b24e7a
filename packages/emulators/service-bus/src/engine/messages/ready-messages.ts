import { MinHeap } from "./min-heap";
import type { QueueMessage } from "../model/queue-message";

/** Fewer taken messages than this stay in the list: copying it would cost more than their room. */
const MIN_COMPACTED = 1024;

/**
 * Active messages in the order of their sequence numbers: a plain list for new ones (they come in order) and a heap
 * for the few that return after an abandon or a lost lock.
 * A message that leaves other than by {@link take} is reported to {@link dropped} and skipped when it surfaces.
 */
export class ReadyMessages {
  #fresh: (QueueMessage | undefined)[] = [];
  #head = 0;
  readonly #returned = new MinHeap<QueueMessage>((message) => message.sequenceNumber);
  #live = 0;

  /** Messages that can be taken. */
  get size(): number {
    return this.#live;
  }

  /** Adds a message whose sequence number is above all before it. */
  push(message: QueueMessage): void {
    this.#fresh.push(message);
    this.#live += 1;
  }

  putBack(message: QueueMessage): void {
    this.#returned.push(message);
    this.#live += 1;
  }

  /** Notes that one of the messages here has left the active state. */
  dropped(): void {
    this.#live -= 1;
  }

  take(): QueueMessage | undefined {
    const fresh = this.#firstFresh();
    const returned = this.#firstReturned();
    if (
      returned !== undefined &&
      (fresh === undefined || returned.sequenceNumber < fresh.sequenceNumber)
    ) {
      this.#returned.pop();
      this.#live -= 1;
      return returned;
    }
    if (fresh === undefined) return undefined;
    this.#advance();
    this.#live -= 1;
    return fresh;
  }

  #firstReturned(): QueueMessage | undefined {
    for (;;) {
      const first = this.#returned.peek();
      if (first === undefined || first.state === "active") return first;
      this.#returned.pop();
    }
  }

  #firstFresh(): QueueMessage | undefined {
    while (this.#head < this.#fresh.length) {
      const first = this.#fresh[this.#head];
      if (first?.state === "active") return first;
      this.#advance();
    }
    return undefined;
  }

  #advance(): void {
    this.#fresh[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= MIN_COMPACTED && this.#head * 2 >= this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#head);
      this.#head = 0;
    }
  }
}
