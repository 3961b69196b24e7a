/**
 * What becomes of a message once it leaves the ready ones: locked by a receiver, settled, put back, expired, or
 * dead-lettered.
 */
import type { MessageLocks } from "../locks/message-locks";
import type { MessageLock, Session } from "../locks/session";
import type { SessionTable } from "../locks/session-table";
import type { MessageBook } from "../messages/message-book";
import type { Consumer, Grant } from "../model/consumer";
import type { Properties, QueueMessage } from "../model/queue-message";
import type { QueueOptions, QueueServices, Settlement } from "../model/queue-options";
import type { HandOver } from "./hand-over";

/** A queue of dead letters. */
export interface DeadLetterQueue {
  /** Takes over a message that has just left the queue `source`. */
  takeDeadLetter(message: QueueMessage, source: string): void;
}

export interface MessageDispositionParts {
  readonly options: QueueOptions;
  readonly services: QueueServices;
  readonly messages: MessageBook;
  readonly locks: MessageLocks;
  readonly sessions: SessionTable;
  readonly handOver: HandOver;
  /** Undefined for a queue of dead letters. */
  readonly deadLetters: DeadLetterQueue | undefined;
}

const NO_PROPERTIES: Properties = {};

export class MessageDisposition {
  readonly #options: QueueOptions;
  readonly #services: QueueServices;
  readonly #messages: MessageBook;
  readonly #locks: MessageLocks;
  readonly #sessions: SessionTable;
  readonly #handOver: HandOver;
  readonly #deadLetters: DeadLetterQueue | undefined;

  constructor(parts: MessageDispositionParts) {
    this.#options = parts.options;
    this.#services = parts.services;
    this.#messages = parts.messages;
    this.#locks = parts.locks;
    this.#sessions = parts.sessions;
    this.#handOver = parts.handOver;
    this.#deadLetters = parts.deadLetters;
  }

  /** Gives a ready message to a receiver, unless it has expired meanwhile. */
  deliver(
    message: QueueMessage,
    consumer: Consumer,
    session: Session | undefined,
    nowMs: number,
  ): void {
    if (message.expiresAtMs <= nowMs) {
      this.expire(message, { isReady: false });
    } else if (consumer.locks) {
      consumer.deliver(message, this.lock(message, session, "active", nowMs));
    } else {
      this.#messages.remove(message);
      consumer.deliver(message, undefined);
    }
  }

  lock(
    message: QueueMessage,
    session: Session | undefined,
    returnsTo: MessageLock["returnsTo"],
    nowMs: number,
  ): Grant {
    this.#messages.setState(message, "locked");
    const lock = this.#locks.add(message, session, returnsTo, nowMs);
    this.#services.wakeAt(lock.lockedUntilMs);
    return lock;
  }

  /** @throws BrokerError `message-lock-lost` unless the token's lock is still held */
  settle(token: string, settlement: Settlement): void {
    const lock = this.#locks.take(token, this.#services.clock.now());
    const { message } = lock;
    switch (settlement.kind) {
      case "complete":
        this.#messages.remove(message);
        break;
      case "release":
        this.putBack(lock, { counts: false });
        break;
      case "abandon":
        this.#edit(message, settlement.properties);
        this.putBack(lock, { counts: true });
        break;
      case "defer":
        this.#edit(message, settlement.properties);
        this.#messages.defer(message);
        break;
      case "dead-letter":
        this.#deadLetter(message, settlement.properties);
        break;
    }
    if (lock.session !== undefined) this.#sessions.forgetIfIdle(lock.session);
  }

  /** Returns a message that was not settled to where its receiver got it from, or dead-letters it. */
  putBack(lock: MessageLock, delivery: { readonly counts: boolean }): void {
    const { message } = lock;
    if (delivery.counts) {
      message.deliveryCount += 1;
      this.#services.store.touch(message);
      const { maxDeliveryCount } = this.#options;
      if (message.deliveryCount >= maxDeliveryCount) {
        this.#deadLetter(message, {
          DeadLetterReason: "MaxDeliveryCountExceeded",
          DeadLetterErrorDescription: `Message could not be consumed after ${maxDeliveryCount} delivery attempts.`,
        });
        return;
      }
    }
    if (lock.returnsTo === "deferred") {
      this.#messages.defer(message);
    } else if (message.expiresAtMs <= this.#services.clock.now()) {
      this.expire(message, { isReady: false });
    } else {
      this.#messages.setState(message, "active");
      this.#handOver.makeReady(message, "returned");
    }
  }

  /** @param where `isReady`: the message is still among the ready ones */
  expire(message: QueueMessage, where: { readonly isReady: boolean }): void {
    if (where.isReady) this.#handOver.dropped(message);
    if (this.#options.deadLetterOnExpiry) {
      this.#deadLetter(message, {
        DeadLetterReason: "TTLExpiredException",
        DeadLetterErrorDescription: "The message expired and was dead lettered.",
      });
    } else {
      this.#messages.remove(message);
    }
    const session = this.#handOver.sessionOf(message);
    if (session !== undefined) this.#sessions.forgetIfIdle(session);
  }

  /** Moves a message to the dead letters. One that is there already stays. */
  #deadLetter(message: QueueMessage, properties: Properties): void {
    this.#edit(message, properties);
    if (this.#deadLetters === undefined) {
      this.#messages.setState(message, "active");
      this.#handOver.makeReady(message, "returned");
      return;
    }
    this.#messages.remove(message);
    this.#deadLetters.takeDeadLetter(message, this.#options.name);
  }

  #edit(message: QueueMessage, properties: Properties = NO_PROPERTIES): void {
    if (Object.keys(properties).length === 0) return;
    message.content = this.#services.editProperties(message.content, properties);
    this.#services.store.touch(message);
  }
}
