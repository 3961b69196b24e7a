import { limits, clip } from "@postern/contracts";
import { isServiceBusError } from "@azure/service-bus";
import { type OutageCode, OutageError } from "@postern/runtime";

/** The SDK ends its retries with an AggregateError; the last error in it says most. */
export function innermost(error: unknown): unknown {
  return error instanceof AggregateError ? innermost(error.errors.at(-1)) : error;
}

export function serviceBusCode(error: unknown): string {
  const inner = innermost(error);
  if (isServiceBusError(inner)) return inner.code;
  if (inner instanceof Error && "code" in inner && typeof inner.code === "string")
    return inner.code;
  return inner instanceof Error ? inner.name : "unknown";
}

export function brokerOutage(what: string, error: unknown): OutageError {
  const inner = innermost(error);
  if (inner instanceof OutageError) return inner;
  const code = serviceBusCode(inner);
  const text = inner instanceof Error ? inner.message : String(inner);
  const retryAfterMs = code === "ServiceBusy" ? { retryAfterMs: 2_000 } : {};
  const message = clip(`${what}: ${code}: ${text}`, limits.failureChars);
  return new OutageError("broker", outageCode(code), message, { cause: inner, ...retryAfterMs });
}

/** The documented wait after throttling is 2 s (error 50009). */
function outageCode(code: string): OutageCode {
  switch (code) {
    case "ServiceBusy":
    case "QuotaExceeded":
      return "throttled";
    case "SessionLockLost":
    case "MessageLockLost":
      return "lock-lost";
    case "UnauthorizedAccess":
    case "MessagingEntityNotFound":
    case "MessagingEntityDisabled":
      return "refused";
    case "MessageSizeExceeded":
      return "too-large";
    case "ServiceTimeout":
    case "OperationTimeoutError":
      return "timed-out";
    default:
      return "unreachable";
  }
}
