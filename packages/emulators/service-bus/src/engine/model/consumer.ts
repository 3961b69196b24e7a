import type { QueueMessage } from "./queue-message";

/** The lock that a receiver gets with a message. */
export interface Grant {
  readonly token: string;
  readonly lockedUntilMs: number;
}

/** A receiver as the engine sees it. */
export interface Consumer {
  /** False: a message is gone from the queue as soon as it is delivered (receive and delete). */
  readonly locks: boolean;
  /** How many messages it can take right now. */
  credit(): number;
  deliver(message: QueueMessage, grant: Grant | undefined): void;
}
