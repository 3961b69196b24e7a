/**
 * One queue (or the dead letters of one): decides where each message is and who may have it.
 *
 * States of a message: see MessageState. Senders call {@link Queue.send}, receivers are {@link Consumer}s that the
 * queue feeds, the broker's timer calls {@link Queue.advance} for everything that happens by time alone.
 * The queue knows nothing of AMQP, never reads a message's content, and never waits: what a client may be told only
 * when it is safe goes through {@link Store.after}.
 */
import { BrokerError } from "../model/broker-error";
import { DuplicateHistory } from "../messages/duplicate-history";
import { MessageBook } from "../messages/message-book";
import { MessageLocks } from "../locks/message-locks";
import { Outlet } from "../messages/outlet";
import type { Consumer, Grant } from "../model/consumer";
import type { IncomingMessage, Properties, QueueMessage } from "../model/queue-message";
import type { LockedMessage, QueueOptions, QueueServices, Settlement } from "../model/queue-options";
import type { MessageLock, Session, SessionHolder, SessionWaiter } from "../locks/session";
import { SessionTable } from "../locks/session-table";

const FORGET_INTERVAL_MS = 1000;
const NO_PROPERTIES: Properties = {};

export class Queue {
  readonly options: QueueOptions;
  readonly deadLetters: Queue | undefined;
  readonly #services: QueueServices;
  readonly #id: number;
  readonly #messages: MessageBook;
  readonly #outlet = new Outlet();
  readonly #sessions: SessionTable;
  readonly #locks: MessageLocks;
  readonly #history: DuplicateHistory | undefined;

  constructor(options: QueueOptions, services: QueueServices, deadLetters?: Queue) {
    this.options = options;
    this.deadLetters = deadLetters;
    this.#services = services;
    this.#sessions = new SessionTable(options.lockDurationMs);
    this.#locks = new MessageLocks(options.lockDurationMs);
    const window = options.duplicateDetectionWindowMs;
    this.#history = window === null ? undefined : new DuplicateHistory(window);
    const { requiresSession } = options;
    const stored = services.store.openQueue(options.name, { requiresSession });
    this.#id = stored.queueId;
    this.#messages = new MessageBook(options.name, stored, services.store);
    for (const { messageId, expiresAtMs } of stored.recentIds) {
      this.#history?.restore(messageId, expiresAtMs);
    }
    if (requiresSession) {
      for (const { sessionId, state } of stored.sessionStates)
        this.#sessions.open(sessionId).state = state;
    }
    for (const message of stored.messages)
      if (message.state === "active") this.#makeReady(message, "new");
    services.wakeAt(0);
  }

  get name(): string {
    return this.options.name;
  }

  /** Waiting for or with a receiver. */
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

  /** Takes all of the messages or, by throwing, none. */
  send(messages: readonly IncomingMessage[]): void {
    this.#checkSendable(messages);
    const now = this.#services.clock.now();
    for (const message of messages) {
      if (this.#isDuplicate(message, now)) continue;
      if (message.scheduledForMs !== undefined && message.scheduledForMs > now) {
        this.#addScheduled(message, message.scheduledForMs);
      } else {
        this.#addActive(message, now);
      }
    }
  }

  /** Takes all of the messages or none; returns the numbers by which they can be cancelled. */
  schedule(messages: readonly IncomingMessage[]): number[] {
    this.#checkSendable(messages);
    const now = this.#services.clock.now();
    return messages.map((message) => {
      // A duplicate is swallowed but, as far as its sender can tell, scheduled.
      if (this.#isDuplicate(message, now)) return this.#messages.takeSequenceNumber();
      return this.#addScheduled(message, message.scheduledForMs ?? now).sequenceNumber;
    });
  }

  cancelScheduled(sequenceNumbers: readonly number[]): void {
    for (const message of this.#messages.find("scheduled", sequenceNumbers)) {
      this.#messages.remove(message);
    }
  }

  // ── Receiving ──────────────────────────────────────────────────────────────

  /** The consumer has credit and wants messages of the queue, or of a session it holds. */
  feed(consumer: Consumer, session?: Session): void {
    const outlet = session?.outlet ?? this.#outlet;
    outlet.feed(consumer);
    if (outlet.ready.size > 0) this.#requestPump(outlet, session);
  }

  removeConsumer(consumer: Consumer, session?: Session): void {
    (session?.outlet ?? this.#outlet).remove(consumer);
  }

  /** Throws `message-lock-lost` unless the token's lock is still held. */
  settle(token: string, settlement: Settlement): void {
    const lock = this.#locks.take(token, this.#services.clock.now());
    const { message } = lock;
    switch (settlement.kind) {
      case "complete":
        this.#messages.remove(message);
        break;
      case "release":
        this.#putBack(lock, { counts: false });
        break;
      case "abandon":
        this.#edit(message, settlement.properties);
        this.#putBack(lock, { counts: true });
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

  /** Returns the new end of the lock. Session messages have no lock of their own to renew. */
  renewLock(token: string): number {
    return this.#locks.renew(token, this.#services.clock.now());
  }

  /** All of the deferred messages or none. `owner` must hold the session that they belong to. */
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
      return { message, grant: this.#lock(message, session, "deferred", now) };
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

  /** Refuses a receiver without a session on a queue with sessions, and the other way round. */
  checkReceiver(withSession: boolean): void {
    if (withSession === this.options.requiresSession) return;
    throw new BrokerError(
      "not-allowed",
      withSession
        ? `A sessionful message receiver cannot be created on an entity that does not require sessions. Entity: '${this.name}'.`
        : `It is not possible for an entity that requires sessions to create a non-sessionful message receiver. Entity: '${this.name}'.`,
    );
  }

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

  /** The holder lets go: its messages are available again at once, and the delivery does not count. */
  releaseSession(session: Session, holder: SessionHolder): void {
    if (session.holder !== holder) return;
    this.#endHold(session, { counts: false });
  }

  renewSessionLock(sessionId: string, owner: object): number {
    const now = this.#services.clock.now();
    return this.#sessions.renew(this.#sessions.heldBy(sessionId, owner, now), now);
  }

  sessionState(sessionId: string, owner: object): Buffer | undefined {
    return this.#sessions.heldBy(sessionId, owner, this.#services.clock.now()).state;
  }

  setSessionState(sessionId: string, owner: object, state: Buffer | undefined): void {
    const session = this.#sessions.heldBy(sessionId, owner, this.#services.clock.now());
    session.state = state;
    this.#services.store.saveSessionState(this.#id, sessionId, state);
  }

  /** Ids of the sessions that have messages or a state. */
  sessionIds(): string[] {
    return this.#sessions.idsInUse();
  }

  // ── Time ───────────────────────────────────────────────────────────────────

  /** Carries out everything that is due; returns when the next thing will be (Infinity: nothing known). */
  advance(): number {
    const now = this.#services.clock.now();
    for (const lock of this.#locks.takeExpired(now)) this.#putBack(lock, { counts: true });
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
      // The message gets a new sequence number when it becomes active, as with the real service.
      this.#messages.remove(due);
      this.#addActive(due, now);
    }
    for (;;) {
      const expired = this.#messages.takeExpired(now);
      if (expired === undefined) break;
      this.#expire(expired, { inOutlet: true });
    }
    return Math.min(
      this.#locks.nextExpiryMs,
      this.#sessions.nextExpiryMs,
      this.#messages.nextDueMs,
      this.#forgetIds(now),
    );
  }

  /** Ids are forgotten in handfuls: being late does no harm, because whoever asks looks at the time too. */
  #forgetIds(now: number): number {
    if (this.#history === undefined) return Infinity;
    if (this.#history.forget(now)) this.#services.store.forgetIds(this.#id, now);
    return Math.max(this.#history.nextExpiryMs, now + FORGET_INTERVAL_MS);
  }

  // ── Messages ───────────────────────────────────────────────────────────────

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

  #isDuplicate(message: IncomingMessage, now: number): boolean {
    if (this.#history === undefined) return false;
    if (this.#history.has(message.messageId, now)) return true;
    const expiresAtMs = this.#history.add(message.messageId, now);
    this.#services.store.rememberId(this.#id, message.messageId, expiresAtMs);
    this.#services.wakeAt(expiresAtMs);
    return false;
  }

  #addActive(from: IncomingMessage, now: number): void {
    const ttlMs = Math.min(from.ttlMs ?? Infinity, this.options.defaultTtlMs ?? Infinity);
    const expiresAtMs = now + ttlMs;
    const message = this.#messages.add(from, { state: "active", enqueuedAtMs: now, expiresAtMs });
    this.#services.wakeAt(expiresAtMs);
    this.#makeReady(message, "new");
  }

  #addScheduled(from: IncomingMessage, dueMs: number): QueueMessage {
    this.#services.wakeAt(dueMs);
    return this.#messages.add(
      { ...from, scheduledForMs: dueMs },
      { state: "scheduled", enqueuedAtMs: dueMs, expiresAtMs: Infinity },
    );
  }

  /** Called on the queue of dead letters: takes a message over from its queue. */
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
    this.#makeReady(message, "new");
  }

  #edit(message: QueueMessage, properties: Properties = NO_PROPERTIES): void {
    if (Object.keys(properties).length === 0) return;
    message.content = this.#services.editProperties(message.content, properties);
    this.#services.store.touch(message);
  }

  /** The message cannot stay: with its reason to the dead letters. The dead letters' own dead letters just stay. */
  #deadLetter(message: QueueMessage, properties: Properties): void {
    this.#edit(message, properties);
    if (this.deadLetters === undefined) {
      this.#messages.setState(message, "active");
      this.#makeReady(message, "returned");
      return;
    }
    this.#messages.remove(message);
    this.deadLetters.takeDeadLetter(message, this.name);
  }

  #expire(message: QueueMessage, where: { inOutlet: boolean }): void {
    if (where.inOutlet) this.#outletOf(message)?.ready.dropped();
    if (this.options.deadLetterOnExpiry) {
      this.#deadLetter(message, {
        DeadLetterReason: "TTLExpiredException",
        DeadLetterErrorDescription: "The message expired and was dead lettered.",
      });
    } else {
      this.#messages.remove(message);
    }
    const session = this.#sessionOf(message);
    if (session !== undefined) this.#sessions.forgetIfIdle(session);
  }

  // ── Hand-over ──────────────────────────────────────────────────────────────

  #sessionOf(message: QueueMessage): Session | undefined {
    if (!this.options.requiresSession || message.sessionId === undefined) return undefined;
    return this.#sessions.find(message.sessionId);
  }

  #outletOf(message: QueueMessage): Outlet | undefined {
    return this.options.requiresSession ? this.#sessionOf(message)?.outlet : this.#outlet;
  }

  #makeReady(message: QueueMessage, how: "new" | "returned"): void {
    const session = this.options.requiresSession
      ? this.#sessions.open(message.sessionId ?? "")
      : undefined;
    const outlet = session?.outlet ?? this.#outlet;
    if (how === "new") outlet.ready.push(message);
    else outlet.ready.putBack(message);
    this.#requestPump(outlet, session);
  }

  /** Messages reach receivers only when they are safe, and once per turn for all of them. */
  #requestPump(outlet: Outlet, session: Session | undefined): void {
    if (outlet.pumpRequested) return;
    outlet.pumpRequested = true;
    this.#services.store.after(() => {
      outlet.pumpRequested = false;
      const now = this.#services.clock.now();
      if (session !== undefined && session.holder === undefined) {
        this.#sessions.offer(session, now);
        this.#services.wakeAt(this.#sessions.nextExpiryMs);
        return;
      }
      // Its lock has run out: the timer is about to take the session away.
      if (session !== undefined && session.lockedUntilMs <= now) return;
      outlet.pump((message, consumer) => this.#handOver(message, consumer, session, now));
    });
  }

  #handOver(
    message: QueueMessage,
    consumer: Consumer,
    session: Session | undefined,
    now: number,
  ): void {
    if (message.expiresAtMs <= now) {
      this.#expire(message, { inOutlet: false });
      return;
    }
    if (consumer.locks) {
      consumer.deliver(message, this.#lock(message, session, "active", now));
    } else {
      this.#messages.remove(message);
      consumer.deliver(message, undefined);
    }
  }

  // ── Locks ──────────────────────────────────────────────────────────────────

  #lock(
    message: QueueMessage,
    session: Session | undefined,
    returnsTo: "active" | "deferred",
    now: number,
  ): Grant {
    this.#messages.setState(message, "locked");
    const lock = this.#locks.add(message, session, returnsTo, now);
    this.#services.wakeAt(lock.lockedUntilMs);
    return lock;
  }

  /** The message was not settled: back to where the receiver got it from, or to the dead letters. */
  #putBack(lock: MessageLock, how: { counts: boolean }): void {
    const { message } = lock;
    if (how.counts) {
      message.deliveryCount += 1;
      this.#services.store.touch(message);
      if (message.deliveryCount >= this.options.maxDeliveryCount) {
        this.#deadLetter(message, {
          DeadLetterReason: "MaxDeliveryCountExceeded",
          DeadLetterErrorDescription: `Message could not be consumed after ${this.options.maxDeliveryCount} delivery attempts.`,
        });
        return;
      }
    }
    if (lock.returnsTo === "deferred") {
      this.#messages.defer(message);
    } else if (message.expiresAtMs <= this.#services.clock.now()) {
      this.#expire(message, { inOutlet: false });
    } else {
      this.#messages.setState(message, "active");
      this.#makeReady(message, "returned");
    }
  }

  #endHold(session: Session, how: { counts: boolean }): void {
    this.#sessions.release(session);
    for (const lock of this.#locks.takeAllOf(session)) this.#putBack(lock, how);
    this.#requestPump(session.outlet, session);
    this.#sessions.forgetIfIdle(session);
  }
}
