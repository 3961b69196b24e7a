/** Raised by adapters when a cloud service does not do what was asked. Runners wait and try again; items are not to blame. */
export type OutageService = "broker" | "ledger" | "api";

export type OutageCode =
  | "unreachable"
  | "throttled"
  | "timed-out"
  | "refused"
  | "lock-lost"
  | "too-large"
  | "conflict-storm";

export class OutageError extends Error {
  readonly service: OutageService;
  readonly code: OutageCode;
  /** Where the service said how long to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    service: OutageService,
    code: OutageCode,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OutageError";
    this.service = service;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
