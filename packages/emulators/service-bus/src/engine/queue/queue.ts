/**
 * One queue (or the dead letters of one): decides where each message is and who may have it.
 *
 * States of a message: see MessageState. Senders call {@link Queue.send}, receivers are {@link Consumer}s that the
 * queue feeds, the broker's timer calls {@link Queue.advance} for everything that happens by time alone. Its parts:
 * message-book.ts has the messages, session-table.ts and message-locks.ts who holds what, hand-over.ts brings messages
 * to receivers, message-disposition.ts decides what becomes of them afterwards.
 * The queue knows nothing of AMQP, never reads a message's content, and never waits: what a client may learn only when
 * it is safe goes through {@link Store.after}.
 */
import { MessageLocks } from "../locks/message-locks";
import type { Session, SessionHolder, SessionWaiter } from "../locks/session";
import { SessionTable } from "../locks/session-table";
import { MessageBook } from "../messages/message-book";
import { BrokerError } from "../model/broker-error";
import type { Consumer } from "../model/consumer";
import type { IncomingMessage, QueueMessage } from "../model/queue-message";
import type {
  LockedMessage,
  QueueOptions,
  QueueServices,
  Settlement,
} from "../model/queue-options";
import { DuplicateDetection } from "./duplicate-detection";
import { HandOver } from "./hand-over";
import { MessageDisposition, type DeadLetterQueue } from "./message-disposition";

export class Queue implements DeadLetterQueue {
  readonly options: QueueOptions;
  readonly deadLetters: Queue | undefined;
  readonly #services: QueueServices;
  readonly #id: number;
  readonly #messages: MessageBook;
  readonly #sessions: SessionTable;
  readonly #locks: MessageLocks;
  readonly #duplicates: DuplicateDetection;
  readonly #handOver: HandOver;
  readonly #disposition: MessageDisposition;

  constructor(options: QueueOptions, services: QueueServices, deadLetters?: Queue) {
    this.options = options;
    this.deadLetters = deadLetters;
    this.#services = services;
    const { name, requiresSession, lockDurationMs, duplicateDetectionWindowMs } = options;
    const stored = services.store.openQueue(name, { requiresSession });
    this.#id = stored.queueId;
    this.#messages = new MessageBook(name, stored, services.store);
    this.#sessions = new SessionTable(lockDurationMs);
    this.#locks = new MessageLocks(lockDurationMs);
    this.#duplicates = new DuplicateDetection(stored, duplicateDetectionWindowMs, services);
    this.#handOver = new HandOver(
      requiresSession,
      this.#sessions,
      services,
      (message, consumer, session, nowMs) =>
        this.#disposition.deliver(message, consumer, session, nowMs),
    );
    this.#disposition = new MessageDisposition({
      options,
      services,
      messages: this.#messages,
      locks: this.#locks,
      sessions: this.#sessions,
      handOver: this.#handOver,
      deadLetters,
    });
    if (requiresSession) {
      for (const { sessionId, state } of stored.sessionStates)
        this.#sessions.open(sessionId).state = state;
    }
    for (const message of stored.messages)
      if (message.state === "active") this.#handOver.makeReady(message, "new");
    services.wakeAt(0);
  }

  get name(): string {
    return this.options.name;
  }

  /** Messages that wait for a receiver or are with one. */
  get activeCount(): number {
    return this.#messages.counts.active + this.#messages.counts.locked;
  }

  get lockedCount(): number {
    return this.#messages.counts.locked;
  }

  get scheduledCount(): number {
    return this.#messages.counts.scheduled;
  }

  get deferredCount(): number {
    return this.#messages.counts.deferred;
  }

  // ── Sending ────────────────────────────────────────────────────────────────

  /**
   * Takes all of the messages, or none.
   *
   * @throws BrokerError `not-allowed` for dead letters, `session-id-missing` if the queue requires sessions
   */
  send(messages: readonly IncomingMessage[]): void {
    this.#checkSendable(messages);
    const now = this.#services.clock.now();
    for (const message of messages) {
      if (this.#duplicates.isDuplicate(message.messageId, now)) continue;
      if (message.scheduledForMs !== undefined && message.scheduledForMs > now) {
        this.#addScheduled(message, message.scheduledForMs);
      } else {
        this.#addActive(message, now);
      }
    }
  }

  /**
   * Takes all of the messages, or none; returns the numbers by which they can be cancelled.
   *
   * @throws BrokerError as {@link send} does
   */
  schedule(messages: readonly IncomingMessage[]): number[] {
    this.#checkSendable(messages);
    const now = this.#services.clock.now();
    return messages.map((message) => {
      // A duplicate is dropped but, as far as its sender can see, scheduled.
      if (this.#duplicates.isDuplicate(message.messageId, now))
        return this.#messages.takeSequenceNumber();
      return this.#addScheduled(message, message.scheduledForMs ?? now).sequenceNumber;
    });
  }

  /** @throws BrokerError `message-not-found` unless all of the numbers are those of scheduled messages */
  cancelScheduled(sequenceNumbers: readonly number[]): void {
    for (const message of this.#messages.find("scheduled", sequenceNumbers)) {
      this.#messages.remove(message);
    }
  }

  takeDeadLetter(from: QueueMessage, source: string): void {
    const message = this.#messages.add(
      { ...from, scheduledForMs: undefined },
      {
        state: "active",
        enqueuedAtMs: from.enqueuedAtMs,
        expiresAtMs: Infinity,
        originalSequenceNumber: from.sequenceNumber,
        deadLetterSource: source,
        deliveryCount: from.deliveryCount,
      },
    );
    this.#handOver.makeReady(message, "new");
  }

  #checkSendable(messages: readonly IncomingMessage[]): void {
    if (this.deadLetters === undefined) {
      throw new BrokerError(
        "not-allowed",
        `Messages cannot be sent to a dead-letter queue. Entity: '${this.name}'.`,
      );
    }
    if (!this.options.requiresSession) return;
    if (messages.some((message) => message.sessionId === undefined)) {
      throw new BrokerError(
        "session-id-missing",
        "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.",
      );
    }
  }

  #addActive(from: IncomingMessage, now: number): void {
    const ttlMs = Math.min(from.ttlMs ?? Infinity, this.options.defaultTtlMs ?? Infinity);
    const expiresAtMs = now + ttlMs;
    const message = this.#messages.add(from, { state: "active", enqueuedAtMs: now, expiresAtMs });
    this.#services.wakeAt(expiresAtMs);
    this.#handOver.makeReady(message, "new");
  }

  #addScheduled(from: IncomingMessage, dueMs: number): QueueMessage {
    this.#services.wakeAt(dueMs);
    return this.#messages.add(
      { ...from, scheduledForMs: dueMs },
      { state: "scheduled", enqueuedAtMs: dueMs, expiresAtMs: Infinity },
    );
  }

  // ── Receiving ──────────────────────────────────────────────────────────────

  /** The consumer has credit and wants messages of the queue, or of a session that it holds. */
  feed(consumer: Consumer, session?: Session): void {
    this.#handOver.feed(consumer, session);
  }

  removeConsumer(consumer: Consumer, session?: Session): void {
    this.#handOver.remove(consumer, session);
  }

  /** @throws BrokerError `message-lock-lost` unless the token's lock is still held */
  settle(token: string, settlement: Settlement): void {
    this.#disposition.settle(token, settlement);
  }

  /**
   * Returns the new end of the lock. Session messages are covered by the session's lock and have none to renew.
   *
   * @throws BrokerError `message-lock-lost` unless the token's lock is still held
   */
  renewLock(token: string): number {
    return this.#locks.renew(token, this.#services.clock.now());
  }

  /**
   * Receives all of the deferred messages, or none.
   *
   * @throws BrokerError `session-lock-lost` unless `owner` holds their session, `message-not-found` if one is not there
   */
  receiveDeferred(
    sequenceNumbers: readonly number[],
    how: {
      readonly locks: boolean;
      readonly sessionId: string | undefined;
      readonly owner: object;
    },
  ): LockedMessage[] {
    const now = this.#services.clock.now();
    const session = this.options.requiresSession
      ? this.#sessions.heldBy(how.sessionId ?? "", how.owner, now)
      : undefined;
    const found = this.#messages.find("deferred", sequenceNumbers);
    if (found.some((message) => session !== undefined && message.sessionId !== session.id)) {
      throw new BrokerError(
        "message-not-found",
        `A deferred message does not belong to session '${session?.id ?? ""}'.`,
      );
    }
    return found.map((message) => {
      if (!how.locks) {
        this.#messages.remove(message);
        return { message, grant: undefined };
      }
      return { message, grant: this.#disposition.lock(message, session, "deferred", now) };
    });
  }

  /** Messages in any state from a sequence number on, without locking them. */
  peek(fromSequenceNumber: number, count: number, sessionId: string | undefined): QueueMessage[] {
    const now = this.#services.clock.now();
    const found: QueueMessage[] = [];
    for (const message of this.#messages.from(fromSequenceNumber)) {
      if (sessionId !== undefined && message.sessionId !== sessionId) continue;
      if (message.state === "active" && message.expiresAtMs <= now) continue;
      found.push(message);
      if (found.length >= count) break;
    }
    return found;
  }

  // ── Sessions ───────────────────────────────────────────────────────────────

  /** @throws BrokerError `not-allowed` for a receiver without a session if the queue requires one, and the reverse */
  checkReceiver(withSession: boolean): void {
    if (withSession === this.options.requiresSession) return;
    throw new BrokerError(
      "not-allowed",
      withSession
        ? `A sessionful message receiver cannot be created on an entity that does not require sessions. Entity: '${this.name}'.`
        : `It is not possible for an entity that requires sessions to create a non-sessionful message receiver. Entity: '${this.name}'.`,
    );
  }

  /** @throws BrokerError `session-cannot-be-locked` if another receiver holds the session */
  acceptSession(id: string, holder: SessionHolder): Session {
    const session = this.#sessions.accept(id, holder, this.#services.clock.now());
    this.#services.wakeAt(session.lockedUntilMs);
    return session;
  }

  acceptNextSession(waiter: SessionWaiter): void {
    this.#sessions.acceptNext(waiter, this.#services.clock.now());
    this.#services.wakeAt(this.#sessions.nextExpiryMs);
  }

  stopWaiting(waiter: SessionWaiter): void {
    this.#sessions.stopWaiting(waiter);
  }

  /** The holder gives the session up: its messages are available again, and their delivery does not count. */
  releaseSession(session: Session, holder: SessionHolder): void {
    if (session.holder !== holder) return;
    this.#endHold(session, { counts: false });
  }

  /** @throws BrokerError `session-lock-lost` unless `owner` holds the session */
  renewSessionLock(sessionId: string, owner: object): number {
    const now = this.#services.clock.now();
    return this.#sessions.renew(this.#sessions.heldBy(sessionId, owner, now), now);
  }

  /** @throws BrokerError `session-lock-lost` unless `owner` holds the session */
  sessionState(sessionId: string, owner: object): Buffer | undefined {
    return this.#sessions.heldBy(sessionId, owner, this.#services.clock.now()).state;
  }

  /** @throws BrokerError `session-lock-lost` unless `owner` holds the session */
  setSessionState(sessionId: string, owner: object, state: Buffer | undefined): void {
    const session = this.#sessions.heldBy(sessionId, owner, this.#services.clock.now());
    session.state = state;
    this.#services.store.saveSessionState(this.#id, sessionId, state);
  }

  /** Ids of the sessions that have messages or a state. */
  sessionIds(): string[] {
    return this.#sessions.idsInUse();
  }

  #endHold(session: Session, delivery: { readonly counts: boolean }): void {
    this.#sessions.release(session);
    for (const lock of this.#locks.takeAllOf(session)) this.#disposition.putBack(lock, delivery);
    this.#handOver.offer(session);
    this.#sessions.forgetIfIdle(session);
  }

  // ── Time ───────────────────────────────────────────────────────────────────

  /** Carries out everything that is due; returns when the next thing will be (Infinity: nothing known). */
  advance(): number {
    const now = this.#services.clock.now();
    for (const lock of this.#locks.takeExpired(now)) {
      this.#disposition.putBack(lock, { counts: true });
    }
    for (const session of this.#sessions.expired(now)) {
      const { holder } = session;
      this.#endHold(session, { counts: true });
      holder?.lost();
    }
    for (
      let due = this.#messages.nextDue(now);
      due !== undefined;
      due = this.#messages.nextDue(now)
    ) {
      // The message gets a new sequence number when it becomes active, as in the real service.
      this.#messages.remove(due);
      this.#addActive(due, now);
    }
    for (;;) {
      const expired = this.#messages.takeExpired(now);
      if (expired === undefined) break;
      this.#disposition.expire(expired, { isReady: true });
    }
    return Math.min(
      this.#locks.nextExpiryMs,
      this.#sessions.nextExpiryMs,
      this.#messages.nextDueMs,
      this.#duplicates.forget(now),
    );
  }
}
