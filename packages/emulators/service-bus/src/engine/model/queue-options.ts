import type { Store } from "./store";
import type { Clock } from "./clock";
import type { Grant } from "./consumer";
import type { Properties, PropertyEditor, QueueMessage } from "./queue-message";

export interface QueueOptions {
  readonly name: string;
  readonly requiresSession: boolean;
  readonly lockDurationMs: number;
  readonly duplicateDetectionWindowMs: number | null;
  readonly defaultTtlMs: number | null;
  /** Infinity: messages are never dead-lettered for it. */
  readonly maxDeliveryCount: number;
  readonly deadLetterOnExpiry: boolean;
}

export interface QueueServices {
  readonly clock: Clock;
  readonly store: Store;
  readonly editProperties: PropertyEditor;
  /** Asks for a call of `Queue.advance` at this time. */
  wakeAt(timeMs: number): void;
}

/** What a receiver decides about a message. */
export type Settlement =
  | { readonly kind: "complete" }
  /** Gives the message back as if it had not been delivered. */
  | { readonly kind: "release" }
  | { readonly kind: "abandon"; readonly properties?: Properties }
  | { readonly kind: "defer"; readonly properties?: Properties }
  | { readonly kind: "dead-letter"; readonly properties: Properties };

/** A message and the lock that came with it. */
export interface LockedMessage {
  readonly message: QueueMessage;
  readonly grant: Grant | undefined;
}
