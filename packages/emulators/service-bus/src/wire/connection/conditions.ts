import { BrokerError, type BrokerErrorCode } from "../../engine/model/broker-error";
import type { AmqpError } from "../rhea/rhea";

export interface Refusal extends AmqpError {
  /** Status in replies to management requests. */
  readonly status: number;
}

/** Condition and status of each refusal. The condition decides whether the SDK retries. */
function conditionOf(code: BrokerErrorCode): { condition: string; status: number } {
  switch (code) {
    case "queue-not-found":
      return { condition: "amqp:not-found", status: 404 };
    case "message-lock-lost":
      return { condition: "com.microsoft:message-lock-lost", status: 410 };
    case "session-lock-lost":
      return { condition: "com.microsoft:session-lock-lost", status: 410 };
    case "session-cannot-be-locked":
      return { condition: "com.microsoft:session-cannot-be-locked", status: 410 };
    case "message-not-found":
      return { condition: "com.microsoft:message-not-found", status: 404 };
    case "session-id-missing":
    case "not-allowed":
      return { condition: "amqp:not-allowed", status: 400 };
    case "message-too-large":
      return { condition: "amqp:link:message-size-exceeded", status: 403 };
    case "invalid-argument":
      return { condition: "com.microsoft:argument-error", status: 400 };
    case "timeout":
      return { condition: "com.microsoft:timeout", status: 408 };
    case "unauthorized":
      return { condition: "amqp:unauthorized-access", status: 401 };
    case "not-implemented":
      return { condition: "amqp:not-implemented", status: 501 };
    case "entity-disabled":
      return { condition: "com.microsoft:entity-disabled", status: 400 };
    case "server-busy":
      return { condition: "com.microsoft:server-busy", status: 503 };
  }
}

/** What the client learns of anything thrown while its request was carried out. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof BrokerError)
    return { ...conditionOf(error.code), description: error.message };
  const description = error instanceof Error ? error.message : String(error);
  return { condition: "amqp:internal-error", status: 500, description };
}
