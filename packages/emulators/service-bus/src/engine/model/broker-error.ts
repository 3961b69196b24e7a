/**
 * Why the broker refuses an operation. The wire maps each code to a condition and a status
 * (wire/connection/conditions.ts).
 */
export type BrokerErrorCode =
  /** No queue of that name in the topology. */
  | "queue-not-found"
  /** The lock expired, was settled already, or never existed. */
  | "message-lock-lost"
  /** The caller does not hold the session, or no longer. */
  | "session-lock-lost"
  /** Another receiver holds the session. */
  | "session-cannot-be-locked"
  /** No message of that sequence number in the state that the operation needs. */
  | "message-not-found"
  /** A message without a session id was sent to a queue that requires sessions. */
  | "session-id-missing"
  /** The operation does not fit the queue, for example a plain receiver on a queue with sessions. */
  | "not-allowed"
  /** A message or batch over the size limit. */
  | "message-too-large"
  /** A request that cannot be understood. */
  | "invalid-argument"
  /** Nothing happened within the time that the client waits. */
  | "timeout"
  /** No valid claim for the entity. */
  | "unauthorized"
  /** A management operation that does not exist here. */
  | "not-implemented"
  /** Refused on demand (fault plan). */
  | "entity-disabled"
  /** Throttled on demand (fault plan). */
  | "server-busy";

/** An expected refusal, reported to the client. Anything else thrown inside the broker is a defect. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string) {
    super(message);
    this.name = "BrokerError";
    this.code = code;
  }
}
