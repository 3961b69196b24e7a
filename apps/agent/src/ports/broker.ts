/**
 * The message broker: lanes of work, jobs, and the results that go out.
 *
 * A `Delivery` is settled through the lane or job source that delivered it.
 */
export interface Delivery {
  readonly messageId: string;
  /** Deliveries before this one. */
  readonly deliveryCount: number;
  readonly properties: Readonly<Record<string, unknown>> | undefined;
  readonly body: unknown;
  /** Lets the broker deliver one more message in its place. Idempotent. */
  readonly returnCredit: () => void;
}

export interface DeadLetterReason {
  readonly code: string;
  /** For a person: what is wrong, and how to fix it. */
  readonly text: string;
}

/** A held session. Once `lost` is aborted nothing of it can be settled, and no side effect may start. */
export interface LaneSession {
  readonly sessionId: string;
  readonly lost: AbortSignal;
  /** False as soon as the lock has expired, even if the broker has not reported it yet. */
  readonly isHeld: () => boolean;
  /** Starts delivery of at most `credits` messages whose credit has not been returned. Call it once. */
  readonly subscribe: (credits: number, onDelivery: (delivery: Delivery) => void) => void;
  /** @throws OutageError unless the broker confirms it */
  readonly complete: (delivery: Delivery) => Promise<void>;
  /** @throws OutageError unless the broker confirms it */
  readonly deadLetter: (delivery: Delivery, reason: DeadLetterReason) => Promise<void>;
  /** Gives the lane up. Unsettled messages go back without a delivery being counted. */
  readonly close: () => Promise<void>;
}

/** Delivery of job messages from a queue without sessions. */
export interface JobSource {
  /** @throws OutageError unless the broker confirms it */
  readonly complete: (delivery: Delivery) => Promise<void>;
  /** @throws OutageError unless the broker confirms it */
  readonly deadLetter: (delivery: Delivery, reason: DeadLetterReason) => Promise<void>;
  /** Gives a message back; a delivery is counted. @throws OutageError unless the broker confirms it */
  readonly abandon: (delivery: Delivery) => Promise<void>;
  /** Takes no further messages; those that have arrived can still be settled. */
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface OutgoingMessage {
  readonly messageId: string;
  readonly properties: Readonly<Record<string, string | number>>;
  readonly body: unknown;
}

export interface Broker {
  /**
   * Waits for a free lane with work.
   *
   * @returns undefined when there was none within the broker's waiting time
   * @throws OutageError when the broker does not answer
   */
  readonly acceptLane: (queue: string, signal: AbortSignal) => Promise<LaneSession | undefined>;
  readonly openJobs: (
    queue: string,
    maxInFlight: number,
    onDelivery: (delivery: Delivery) => void,
  ) => JobSource;
  /** @throws OutageError unless the broker accepts all of them */
  readonly send: (queue: string, messages: readonly OutgoingMessage[]) => Promise<void>;
  readonly close: () => Promise<void>;
}
