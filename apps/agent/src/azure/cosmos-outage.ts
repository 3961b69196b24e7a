/** What Cosmos DB's answers mean to runners: outages, and conflicts that are none. */
import { OutageError } from "@postern/runtime";

/** A write that meets another: created meanwhile, changed meanwhile, gone meanwhile, or lost with one of these. */
export const CONFLICTS: ReadonlySet<number> = new Set([404, 409, 412, 424, 449]);

export async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof OutageError ? error : outage(what, error);
  }
}

export function outage(what: string, wrapped: unknown): OutageError {
  // The SDK hides what a transaction failed with, its status too, under a plain error.
  const error =
    wrapped instanceof Error && !("code" in wrapped) && wrapped.cause !== undefined
      ? wrapped.cause
      : wrapped;
  const text = error instanceof Error ? error.message : fieldText(error, "message");
  const status = field(error, "code");
  const retryAfter = field(error, "retryAfterInMs");
  const code =
    status === 429
      ? "throttled"
      : status === 401 || status === 403
        ? "refused"
        : status === 408
          ? "timed-out"
          : "unreachable";
  return new OutageError(
    "ledger",
    code,
    `${what}: ${typeof status === "number" || typeof status === "string" ? status : ""} ${text}`.slice(
      0,
      500,
    ),
    {
      cause: error,
      ...(typeof retryAfter === "number" ? { retryAfterMs: retryAfter } : {}),
    },
  );
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function fieldText(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === "string" ? found : "unknown error";
}
