import type { MessageLock } from "./message-locks";
import { Outlet } from "../messages/outlet";

/** Who holds a session. */
export interface SessionHolder {
  /** Identity of the client connection: session operations are allowed to the holder's connection only. */
  readonly owner: object;
  /** The lock on the session has expired. */
  lost(): void;
}

/** Someone waiting for any session with messages. */
export interface SessionWaiter {
  /** Called once, when a session has become free; returns the holder. */
  granted(session: Session): void;
  readonly holder: SessionHolder;
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
