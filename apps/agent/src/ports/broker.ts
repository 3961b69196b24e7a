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
  /** For a person: what is wrong and the way out. */
  readonly text: string;
}

/**
 * A held session. Once `lost` is aborted nothing of it can be settled any more, and no side effect may begin.
 */
export interface LaneSession {
  readonly sessionId: string;
  readonly lost: AbortSignal;
  /** False from the moment the lock has run out, even when the broker's word of it is still on its way. */
  readonly isHeld: () => boolean;
  /** Begins delivery of at most `credits` messages whose credit has not been returned. Called once. */
  readonly subscribe: (credits: number, onDelivery: (delivery: Delivery) => void) => void;
  /** @throws OutageError when the broker did not confirm it */
  readonly complete: (delivery: Delivery) => Promise<void>;
  /** @throws OutageError when the broker did not confirm it */
  readonly deadLetter: (delivery: Delivery, reason: DeadLetterReason) => Promise<void>;
  /** Gives the lane up; what was delivered and not settled goes back without a delivery being counted. */
  readonly close: () => Promise<void>;
}

/** Delivery of job messages from a queue without sessions. */
export interface JobSource {
  readonly complete: (delivery: Delivery) => Promise<void>;
  readonly deadLetter: (delivery: Delivery, reason: DeadLetterReason) => Promise<void>;
  /** Gives a message back; a delivery is counted. */
  readonly abandon: (delivery: Delivery) => Promise<void>;
  /** Takes nothing more; what has come can still be settled. */
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface OutgoingMessage {
  readonly messageId: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Broker {
  /**
   * Waits for a lane that has work and is free.
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
  /** @throws OutageError unless the broker has accepted all of them */
  readonly send: (queue: string, messages: readonly OutgoingMessage[]) => Promise<void>;
  readonly close: () => Promise<void>;
}
