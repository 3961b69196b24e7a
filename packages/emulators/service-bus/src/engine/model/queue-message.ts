/**
 * Where a message is. `active` messages wait for a receiver, `locked` ones are with a receiver, `deferred` ones can be
 * received by sequence number only, `scheduled` ones become active later, `gone` ones are no longer in the queue.
 */
export type MessageState = "active" | "locked" | "deferred" | "scheduled" | "gone";

/** A message as a sender hands it over. */
export interface IncomingMessage {
  readonly messageId: string;
  readonly sessionId: string | undefined;
  readonly ttlMs: number | undefined;
  readonly scheduledForMs: number | undefined;
  /** Opaque to the engine; message-content.ts knows its layout. */
  readonly content: Buffer;
}

/** A message in a queue. The engine changes it, the store writes it, the wire reads it. */
export interface QueueMessage extends Omit<IncomingMessage, "content" | "scheduledForMs"> {
  readonly queueId: number;
  readonly sequenceNumber: number;
  readonly enqueuedAtMs: number;
  /** Infinity when it never expires. */
  readonly expiresAtMs: number;
  readonly scheduledForMs: number | undefined;
  /** Sequence number and queue it had before it was dead-lettered. */
  readonly originalSequenceNumber: number | undefined;
  readonly deadLetterSource: string | undefined;
  content: Buffer;
  deliveryCount: number;
  state: MessageState;
  /** Owned by the store: key of its row (0: none yet) and whether the row is out of date. */
  row: number;
  dirty: boolean;
}

/** Values that a receiver may add to a message when it settles it. */
export type Properties = Readonly<Record<string, unknown>>;

/** Adds application properties to an opaque content. */
export type PropertyEditor = (content: Buffer, properties: Properties) => Buffer;
