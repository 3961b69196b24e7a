export interface OutgoingMessage {
  readonly messageId: string;
  readonly sessionId?: string;
  /** JSON text: made once, measured and sent as it is. */
  readonly body: string;
  readonly properties: Readonly<Record<string, string | number>>;
  readonly scheduledAt?: Date;
}

export interface MessageBus {
  /**
   * Resolves when the broker has accepted every message; rejects with `ServiceUnavailable` otherwise (some may be
   * accepted).
   */
  send(queue: string, messages: readonly OutgoingMessage[]): Promise<void>;
}

/** A message as a queue trigger hands it over. */
export interface ReceivedMessage {
  readonly body: unknown;
  readonly messageId: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deliveryCount: number;
}

/** Where a message was found. */
export interface QueueOfGroup {
  readonly queue: string;
  /** Worker group of the queue; `cloud` for queues that belong to none. */
  readonly group: string;
}
