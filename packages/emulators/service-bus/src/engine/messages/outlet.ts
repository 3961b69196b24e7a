import type { Consumer } from "../model/consumer";
import type { QueueMessage } from "../model/queue-message";
import { ReadyMessages } from "./ready-messages";

/**
 * The place where messages meet receivers: one for a plain queue, one for each session.
 * Receivers with credit take turns message by message.
 */
export class Outlet {
  readonly ready = new ReadyMessages();
  readonly #hungry = new Set<Consumer>();
  /** Whether a pump is requested. Owned by HandOver. */
  pumpRequested = false;

  /** Notes that the consumer may have credit again. */
  feed(consumer: Consumer): void {
    this.#hungry.add(consumer);
  }

  remove(consumer: Consumer): void {
    this.#hungry.delete(consumer);
  }

  /** Hands out messages for as long as there are messages and credit. */
  pump(handOver: (message: QueueMessage, consumer: Consumer) => void): void {
    for (;;) {
      const consumer = this.#nextConsumer();
      if (consumer === undefined) return;
      const message = this.ready.take();
      if (message === undefined) return;
      handOver(message, consumer);
    }
  }

  #nextConsumer(): Consumer | undefined {
    for (const consumer of this.#hungry) {
      if (consumer.credit() <= 0) {
        this.#hungry.delete(consumer);
        continue;
      }
      if (this.#hungry.size > 1) {
        this.#hungry.delete(consumer);
        this.#hungry.add(consumer);
      }
      return consumer;
    }
    return undefined;
  }
}
