import type { Refusal } from "@postern/emulator-kit";
import { GraphError } from "./graph-error";

/** Graph's error for a fault, a body that is too large, or a failure of the emulator itself. */
export function refusalError(refusal: Refusal, maxBodyBytes: number): GraphError {
  switch (refusal.kind) {
    case "refuse":
      return new GraphError(
        refusal.status ?? 503,
        "ServiceNotAvailable",
        "The service is temporarily unavailable. Please try again later.",
      );
    case "throttle":
      return new GraphError(
        429,
        "TooManyRequests",
        "Too many requests. Try again after the time in Retry-After.",
        {
          headers: { "retry-after": String(Math.ceil(refusal.retryAfterMs / 1000)) },
        },
      );
    case "too-large":
      return new GraphError(
        413,
        "RequestEntityTooLarge",
        `The request is larger than ${maxBodyBytes} bytes.`,
      );
    case "failed":
      return new GraphError(
        500,
        "InternalServerError",
        "The emulator failed to serve the request.",
        { cause: refusal.error },
      );
  }
}
