import type { QueueMessage } from "../model/queue-message";

/** Fewer gone messages than this are not worth a sweep. */
const MIN_SWEPT = 1024;

/** All messages of a queue by sequence number, for peeking. Gone messages are swept when they are the majority. */
export class SequenceIndex {
  #messages: QueueMessage[] = [];
  #gone = 0;

  /** Adds a message whose sequence number is above all before it. */
  add(message: QueueMessage): void {
    this.#messages.push(message);
  }

  /** Notes that one message has gone. */
  removed(): void {
    this.#gone += 1;
    if (this.#gone < MIN_SWEPT || this.#gone * 2 < this.#messages.length) return;
    this.#messages = this.#messages.filter((message) => message.state !== "gone");
    this.#gone = 0;
  }

  *from(sequenceNumber: number): Generator<QueueMessage> {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#messages[middle]?.sequenceNumber ?? Infinity) < sequenceNumber) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < this.#messages.length; index += 1) {
      const message = this.#messages[index];
      if (message !== undefined && message.state !== "gone") yield message;
    }
  }
}
