/** Maps Cosmos DB's responses: to outages, and to conflicts, which are not outages. */
import { limits, clip } from "@postern/contracts";
import { type OutageCode, OutageError } from "@postern/runtime";

/**
 * Statuses of a write that met another one: created, changed or deleted meanwhile, or part of a batch that failed for
 * one of these.
 */
export const CONFLICTS: ReadonlySet<number> = new Set([404, 409, 412, 424, 449]);

export async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof OutageError ? error : outage(what, error);
  }
}

export function outage(what: string, wrapped: unknown): OutageError {
  // The SDK hides the cause of a failed transaction, including its status, under a plain error.
  const error =
    wrapped instanceof Error && !("code" in wrapped) && wrapped.cause !== undefined
      ? wrapped.cause
      : wrapped;
  const text = error instanceof Error ? error.message : fieldText(error, "message");
  const status = field(error, "code");
  const retryAfter = field(error, "retryAfterInMs");
  const shown = typeof status === "number" || typeof status === "string" ? status : "";
  const message = clip(`${what}: ${shown} ${text}`, limits.failureChars);
  return new OutageError("ledger", outageCode(status), message, {
    cause: error,
    ...(typeof retryAfter === "number" ? { retryAfterMs: retryAfter } : {}),
  });
}

function outageCode(status: unknown): OutageCode {
  switch (status) {
    case 429:
      return "throttled";
    case 401:
    case 403:
      return "refused";
    case 408:
      return "timed-out";
    default:
      return "unreachable";
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function fieldText(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === "string" ? found : "unknown error";
}
