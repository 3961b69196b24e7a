/**
 * The locks of one queue: those of single messages, which expire, and those that a session's lock covers.
 *
 * One queue has one lock duration, so a new or renewed lock always expires last and the first entry always expires
 * first: no heap is needed.
 */
import { BrokerError } from "../model/broker-error";
import { newLockToken } from "./lock-token";
import type { QueueMessage } from "../model/queue-message";
import type { MessageLock, Session } from "./session";

export class MessageLocks {
  readonly #own = new Map<string, MessageLock>();
  readonly #covered = new Map<string, MessageLock>();
  readonly #durationMs: number;

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  get nextExpiryMs(): number {
    for (const lock of this.#own.values()) return lock.lockedUntilMs;
    return Infinity;
  }

  add(
    message: QueueMessage,
    session: Session | undefined,
    returnsTo: MessageLock["returnsTo"],
    nowMs: number,
  ): MessageLock {
    const lockedUntilMs = session?.lockedUntilMs ?? nowMs + this.#durationMs;
    const lock: MessageLock = { token: newLockToken(), message, session, returnsTo, lockedUntilMs };
    if (session === undefined) {
      this.#own.set(lock.token, lock);
    } else {
      this.#covered.set(lock.token, lock);
      session.locks.add(lock);
    }
    return lock;
  }

  /**
   * Ends a lock.
   *
   * @throws BrokerError `message-lock-lost` unless the lock is still held
   */
  take(token: string, nowMs: number): MessageLock {
    const lock = this.#own.get(token) ?? this.#covered.get(token);
    if (lock === undefined || (lock.session ?? lock).lockedUntilMs <= nowMs) throw lockLost();
    this.#own.delete(token);
    this.#covered.delete(token);
    lock.session?.locks.delete(lock);
    return lock;
  }

  /**
   * Returns the new end of a lock. Locks that a session covers are renewed with it.
   *
   * @throws BrokerError `message-lock-lost` unless the lock is still held
   */
  renew(token: string, nowMs: number): number {
    const lock = this.#own.get(token);
    if (lock === undefined || lock.lockedUntilMs <= nowMs) throw lockLost();
    this.#own.delete(token);
    lock.lockedUntilMs = nowMs + this.#durationMs;
    this.#own.set(token, lock);
    return lock.lockedUntilMs;
  }

  takeExpired(nowMs: number): MessageLock[] {
    const expired: MessageLock[] = [];
    for (const lock of this.#own.values()) {
      if (lock.lockedUntilMs > nowMs) break;
      expired.push(lock);
    }
    for (const lock of expired) this.#own.delete(lock.token);
    return expired;
  }

  takeAllOf(session: Session): MessageLock[] {
    const locks = [...session.locks];
    for (const lock of locks) this.#covered.delete(lock.token);
    session.locks.clear();
    return locks;
  }
}

function lockLost(): BrokerError {
  return new BrokerError(
    "message-lock-lost",
    "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
  );
}
