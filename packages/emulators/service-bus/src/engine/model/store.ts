import type { QueueMessage } from "./queue-message";

/** What a queue was when the broker stopped. */
export interface StoredQueue {
  readonly queueId: number;
  /** Above every sequence number ever handed out. */
  readonly nextSequenceNumber: number;
  /** In the order of their sequence numbers; nothing is locked. */
  readonly messages: readonly QueueMessage[];
  readonly sessionStates: readonly { readonly sessionId: string; readonly state: Buffer }[];
  /** In the order of expiry. */
  readonly recentIds: readonly { readonly messageId: string; readonly expiresAtMs: number }[];
}

/** Options that cannot change while a queue exists, as in the real service. */
export interface FixedQueueOptions {
  readonly requiresSession: boolean;
}

/**
 * Keeps queues safe. Changes are noted as they happen and written together once per turn of the event loop; a client
 * learns of a change in {@link Store.after}.
 */
export interface Store {
  /** The namespace's key: the given one, else the one kept, else a new one from `make`. */
  sharedAccessKey(given: string | undefined, make: () => string): string;
  /** @throws StartError `bad-topology` if a fixed option differs from the stored one */
  openQueue(name: string, options: FixedQueueOptions): StoredQueue;
  /** Notes that the message is new, changed or gone. */
  touch(message: QueueMessage): void;
  /** Notes that sequence numbers below this one may be in use. */
  reserveSequenceNumbers(queueId: number, below: number): void;
  saveSessionState(queueId: number, sessionId: string, state: Buffer | undefined): void;
  rememberId(queueId: number, messageId: string, expiresAtMs: number): void;
  forgetIds(queueId: number, untilMs: number): void;
  /** Calls back when everything noted so far is safe; in the order of the calls, never before it returns. */
  after(callback: () => void): void;
  close(): void;
}
