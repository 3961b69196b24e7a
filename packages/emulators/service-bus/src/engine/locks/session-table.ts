/**
 * The sessions of one queue: which are free, who holds which, who waits for one.
 *
 * A session is free (has messages, no holder), held (until its lock expires or its holder releases it) or idle (nothing
 * known except perhaps a state). Called by the queue only; it never touches messages.
 */
import { BrokerError } from "../model/broker-error";
import { Session, type SessionHolder, type SessionWaiter } from "./session";

export class SessionTable {
  readonly #sessions = new Map<string, Session>();
  /** Free sessions, the one that has waited longest first. */
  readonly #free = new Set<Session>();
  /** Held sessions in the order of lock expiry (one duration: the newest lock expires last). */
  readonly #held = new Set<Session>();
  readonly #waiters = new Set<SessionWaiter>();
  readonly #lockDurationMs: number;

  constructor(lockDurationMs: number) {
    this.#lockDurationMs = lockDurationMs;
  }

  get nextExpiryMs(): number {
    for (const session of this.#held) return session.lockedUntilMs;
    return Infinity;
  }

  /** Ids of the sessions that have messages or a state. */
  idsInUse(): string[] {
    const ids: string[] = [];
    for (const { id, state, locks, outlet } of this.#sessions.values()) {
      if (state !== undefined || locks.size > 0 || outlet.ready.size > 0) ids.push(id);
    }
    return ids;
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  open(id: string): Session {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = new Session(id);
      this.#sessions.set(id, session);
    }
    return session;
  }

  /** @throws BrokerError `session-cannot-be-locked` if another receiver holds the session */
  accept(id: string, holder: SessionHolder, nowMs: number): Session {
    const session = this.open(id);
    if (session.holder !== undefined) {
      throw new BrokerError(
        "session-cannot-be-locked",
        `The requested session '${id}' cannot be accepted. It may be locked by another receiver.`,
      );
    }
    this.#hold(session, holder, nowMs);
    return session;
  }

  /** Waits for a free session; the waiter may be served before this returns. */
  acceptNext(waiter: SessionWaiter, nowMs: number): void {
    this.#waiters.add(waiter);
    this.#serve(nowMs);
  }

  stopWaiting(waiter: SessionWaiter): void {
    this.#waiters.delete(waiter);
  }

  /** Notes that the session has messages: it is free unless it is held. */
  offer(session: Session, nowMs: number): void {
    if (session.holder !== undefined || session.outlet.ready.size === 0) return;
    this.#free.add(session);
    this.#serve(nowMs);
  }

  renew(session: Session, nowMs: number): number {
    this.#held.delete(session);
    session.lockedUntilMs = nowMs + this.#lockDurationMs;
    this.#held.add(session);
    return session.lockedUntilMs;
  }

  /** Ends the hold of a session. */
  release(session: Session): void {
    this.#held.delete(session);
    session.holder = undefined;
    session.lockedUntilMs = 0;
  }

  /** @throws BrokerError `session-lock-lost` unless a client of this connection holds the session */
  heldBy(id: string, owner: object, nowMs: number): Session {
    const session = this.#sessions.get(id);
    if (session?.holder?.owner !== owner || session.lockedUntilMs <= nowMs) {
      throw new BrokerError(
        "session-lock-lost",
        `The session lock was lost. Request a new session receiver. Session: '${id}'.`,
      );
    }
    return session;
  }

  expired(nowMs: number): Session[] {
    const expired: Session[] = [];
    for (const session of this.#held) {
      if (session.lockedUntilMs > nowMs) break;
      expired.push(session);
    }
    return expired;
  }

  forgetIfIdle(session: Session): void {
    if (!session.isIdle) return;
    this.#free.delete(session);
    this.#sessions.delete(session.id);
  }

  #serve(nowMs: number): void {
    for (const session of this.#free) {
      if (session.holder !== undefined || session.outlet.ready.size === 0) {
        this.#free.delete(session);
        continue;
      }
      const [waiter] = this.#waiters;
      if (waiter === undefined) return;
      this.#waiters.delete(waiter);
      this.#hold(session, waiter.holder, nowMs);
      waiter.granted(session);
    }
  }

  #hold(session: Session, holder: SessionHolder, nowMs: number): void {
    this.#free.delete(session);
    session.holder = holder;
    session.lockedUntilMs = nowMs + this.#lockDurationMs;
    this.#held.add(session);
  }
}
