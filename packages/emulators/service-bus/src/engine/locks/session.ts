import { Outlet } from "../messages/outlet";
import type { QueueMessage } from "../model/queue-message";

/** Who holds a session. */
export interface SessionHolder {
  /** Identity of the client connection: session operations are allowed to the holder's connection only. */
  readonly owner: object;
  /** Called when the lock on the session has expired. */
  lost(): void;
}

/** Someone waiting for any session with messages. */
export interface SessionWaiter {
  /** Called once, when a session has become free; returns the holder. */
  granted(session: Session): void;
  readonly holder: SessionHolder;
}

/** A message in the hands of one receiver. */
export interface MessageLock {
  /** The 16 bytes of the delivery tag, as a latin1 string. */
  readonly token: string;
  readonly message: QueueMessage;
  /** The session whose lock covers the message; undefined: the message has its own lock. */
  readonly session: Session | undefined;
  /** State that the message returns to when it is not settled. */
  readonly returnsTo: "active" | "deferred";
  /** End of the message's own lock; a covered one ends with the session's lock. */
  lockedUntilMs: number;
}

/** Messages of one session id: one holder at a time, in order of arrival. */
export class Session {
  readonly id: string;
  readonly outlet = new Outlet();
  readonly locks = new Set<MessageLock>();
  holder: SessionHolder | undefined;
  lockedUntilMs = 0;
  /** What the application stored with the session. */
  state: Buffer | undefined;

  constructor(id: string) {
    this.id = id;
  }

  get isIdle(): boolean {
    return (
      this.holder === undefined &&
      this.state === undefined &&
      this.locks.size === 0 &&
      this.outlet.ready.size === 0
    );
  }
}
