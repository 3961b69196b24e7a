/**
 * The messages of one queue: numbers them, knows the state of each, and which are due next.
 *
 * Called by its queue only. It decides nothing: whether a message is delivered, expires or is dead-lettered is the
 * queue's business. Every change is reported to the store.
 */
import type { Store, StoredQueue } from "../model/store";
import { BrokerError } from "../model/broker-error";
import { MinHeap } from "./min-heap";
import type { IncomingMessage, MessageState, QueueMessage } from "../model/queue-message";
import { SequenceIndex } from "./sequence-index";

/** What a queue decides about a new message. */
type NewMessage = Pick<QueueMessage, "state" | "enqueuedAtMs" | "expiresAtMs"> &
  Partial<Pick<QueueMessage, "originalSequenceNumber" | "deadLetterSource" | "deliveryCount">>;

// Numbers are reserved in blocks, so that the counter is not written with every message. A crash skips the rest.
const SEQUENCE_BLOCK = 10_000;

export class MessageBook {
  readonly #queueName: string;
  readonly #queueId: number;
  readonly #store: Store;
  readonly #counts: Record<MessageState, number> = {
    active: 0,
    locked: 0,
    deferred: 0,
    scheduled: 0,
    gone: 0,
  };
  readonly #index = new SequenceIndex();
  readonly #deferred = new Map<number, QueueMessage>();
  readonly #scheduled = new Map<number, QueueMessage>();
  readonly #due = new MinHeap<QueueMessage>((message) => message.scheduledForMs ?? 0);
  readonly #expiring = new MinHeap<QueueMessage>((message) => message.expiresAtMs);
  #nextSequenceNumber: number;
  #reservedBelow: number;

  constructor(queueName: string, stored: StoredQueue, store: Store) {
    this.#queueName = queueName;
    this.#queueId = stored.queueId;
    this.#store = store;
    this.#nextSequenceNumber = stored.nextSequenceNumber;
    this.#reservedBelow = stored.nextSequenceNumber;
    for (const message of stored.messages) this.#enter(message);
  }

  get counts(): Readonly<Record<MessageState, number>> {
    return this.#counts;
  }

  /** When the next scheduled message becomes active or the next active one expires; Infinity: never. */
  get nextDueMs(): number {
    return Math.min(
      this.#due.peek()?.scheduledForMs ?? Infinity,
      this.#expiring.peek()?.expiresAtMs ?? Infinity,
    );
  }

  takeSequenceNumber(): number {
    const number = this.#nextSequenceNumber++;
    if (number >= this.#reservedBelow) {
      this.#reservedBelow = number + SEQUENCE_BLOCK;
      this.#store.reserveSequenceNumbers(this.#queueId, this.#reservedBelow);
    }
    return number;
  }

  add(
    from: Omit<IncomingMessage, "content"> & { content: Buffer },
    fields: NewMessage,
  ): QueueMessage {
    const message: QueueMessage = {
      queueId: this.#queueId,
      sequenceNumber: this.takeSequenceNumber(),
      messageId: from.messageId,
      sessionId: from.sessionId,
      ttlMs: from.ttlMs,
      scheduledForMs: from.scheduledForMs,
      enqueuedAtMs: fields.enqueuedAtMs,
      expiresAtMs: fields.expiresAtMs,
      originalSequenceNumber: fields.originalSequenceNumber,
      deadLetterSource: fields.deadLetterSource,
      content: from.content,
      deliveryCount: fields.deliveryCount ?? 0,
      state: fields.state,
      row: 0,
      dirty: false,
    };
    this.#enter(message);
    this.#store.touch(message);
    return message;
  }

  remove(message: QueueMessage): void {
    this.setState(message, "gone");
    this.#index.removed();
    this.#store.touch(message);
  }

  defer(message: QueueMessage): void {
    this.setState(message, "deferred");
    this.#store.touch(message);
  }

  setState(message: QueueMessage, state: MessageState): void {
    this.#counts[message.state] -= 1;
    if (message.state === "deferred") this.#deferred.delete(message.sequenceNumber);
    if (message.state === "scheduled") this.#scheduled.delete(message.sequenceNumber);
    if (state !== "gone") this.#counts[state] += 1;
    if (state === "deferred") this.#deferred.set(message.sequenceNumber, message);
    message.state = state;
  }

  /**
   * The messages with these numbers.
   *
   * @throws BrokerError `message-not-found` unless all of them are in the state
   */
  find(state: "deferred" | "scheduled", sequenceNumbers: readonly number[]): QueueMessage[] {
    const among = state === "deferred" ? this.#deferred : this.#scheduled;
    return sequenceNumbers.map((number) => {
      const message = among.get(number);
      if (message !== undefined) return message;
      throw new BrokerError(
        "message-not-found",
        `No ${state} message has the sequence number ${number}. Entity: '${this.#queueName}'.`,
      );
    });
  }

  /** Messages from a number on, in the order of their numbers. */
  from(sequenceNumber: number): Generator<QueueMessage> {
    return this.#index.from(sequenceNumber);
  }

  /** The next scheduled message whose time has come. */
  nextDue(nowMs: number): QueueMessage | undefined {
    for (let first = this.#due.peek(); first !== undefined; first = this.#due.peek()) {
      if (first.state === "scheduled")
        return (first.scheduledForMs ?? 0) > nowMs ? undefined : first;
      this.#due.pop();
    }
    return undefined;
  }

  /** Removes and returns the next active message that has expired. A locked one expires when it comes back. */
  takeExpired(nowMs: number): QueueMessage | undefined {
    for (let first = this.#expiring.peek(); first !== undefined; first = this.#expiring.peek()) {
      if (first.state !== "gone" && first.expiresAtMs > nowMs) return undefined;
      this.#expiring.pop();
      if (first.state === "active") return first;
    }
    return undefined;
  }

  #enter(message: QueueMessage): void {
    this.#counts[message.state] += 1;
    this.#index.add(message);
    if (message.state === "deferred") this.#deferred.set(message.sequenceNumber, message);
    if (message.state === "scheduled") {
      this.#scheduled.set(message.sequenceNumber, message);
      this.#due.sweep(this.#scheduled.size, (each) => each.state === "scheduled");
      this.#due.push(message);
    } else if (message.expiresAtMs !== Infinity) {
      const live = this.#counts.active + this.#counts.locked;
      this.#expiring.sweep(live, (each) => each.state === "active" || each.state === "locked");
      this.#expiring.push(message);
    }
  }
}
