/**
 * Brings the active messages of a queue together with receivers that have credit: at one outlet for a plain queue, at
 * one for each session otherwise. It decides when, and for whom; what a receiver gets is decided by `deliver`.
 */
import type { Session } from "../locks/session";
import type { SessionTable } from "../locks/session-table";
import { Outlet } from "../messages/outlet";
import type { Consumer } from "../model/consumer";
import type { QueueMessage } from "../model/queue-message";
import type { QueueServices } from "../model/queue-options";

type Deliver = (
  message: QueueMessage,
  consumer: Consumer,
  session: Session | undefined,
  nowMs: number,
) => void;

export class HandOver {
  readonly #outlet = new Outlet();
  readonly #requiresSession: boolean;
  readonly #sessions: SessionTable;
  readonly #services: QueueServices;
  readonly #deliver: Deliver;

  constructor(
    requiresSession: boolean,
    sessions: SessionTable,
    services: QueueServices,
    deliver: Deliver,
  ) {
    this.#requiresSession = requiresSession;
    this.#sessions = sessions;
    this.#services = services;
    this.#deliver = deliver;
  }

  /** The consumer has credit for messages of the queue, or of a session that it holds. */
  feed(consumer: Consumer, session: Session | undefined): void {
    const outlet = session?.outlet ?? this.#outlet;
    outlet.feed(consumer);
    if (outlet.ready.size > 0) this.#requestPump(outlet, session);
  }

  remove(consumer: Consumer, session: Session | undefined): void {
    (session?.outlet ?? this.#outlet).remove(consumer);
  }

  /** The message is active: new in the queue, or returned by a receiver. */
  makeReady(message: QueueMessage, how: "new" | "returned"): void {
    const session = this.#requiresSession
      ? this.#sessions.open(message.sessionId ?? "")
      : undefined;
    const outlet = session?.outlet ?? this.#outlet;
    if (how === "new") outlet.ready.push(message);
    else outlet.ready.putBack(message);
    this.#requestPump(outlet, session);
  }

  /** A message that was ready has left the queue without being handed over. */
  dropped(message: QueueMessage): void {
    const outlet = this.#requiresSession ? this.sessionOf(message)?.outlet : this.#outlet;
    outlet?.ready.dropped();
  }

  /** The session has lost its holder: its messages are offered to the next. */
  offer(session: Session): void {
    this.#requestPump(session.outlet, session);
  }

  sessionOf(message: QueueMessage): Session | undefined {
    if (!this.#requiresSession || message.sessionId === undefined) return undefined;
    return this.#sessions.find(message.sessionId);
  }

  /** Messages reach receivers only when they are safe, and once per turn for all of them. */
  #requestPump(outlet: Outlet, session: Session | undefined): void {
    if (outlet.pumpRequested) return;
    outlet.pumpRequested = true;
    this.#services.store.after(() => {
      outlet.pumpRequested = false;
      const nowMs = this.#services.clock.now();
      if (session !== undefined && session.holder === undefined) {
        this.#sessions.offer(session, nowMs);
        this.#services.wakeAt(this.#sessions.nextExpiryMs);
        return;
      }
      // The session's lock has expired: the timer is about to take the session away.
      if (session !== undefined && session.lockedUntilMs <= nowMs) return;
      outlet.pump((message, consumer) => this.#deliver(message, consumer, session, nowMs));
    });
  }
}
