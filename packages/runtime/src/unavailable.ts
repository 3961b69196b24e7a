export type OutageService = "broker" | "ledger" | "api";

export type OutageCode =
  | "unreachable"
  | "throttled"
  | "timed-out"
  | "refused"
  | "lock-lost"
  | "too-large"
  | "conflict-storm";

/** A cloud service does not do what the agent asks. Runners wait and try again; items are not to blame. */
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

export type UnavailableService = "cosmos" | "service-bus" | "blob" | "key-vault";

/**
 * Cosmos DB, Service Bus or Key Vault does not answer, or asks to slow down, for longer than the client retries by
 * itself.
 */
export class ServiceUnavailable extends Error {
  readonly service: UnavailableService;
  readonly retryAfterMs: number | null;

  constructor(
    service: UnavailableService,
    message: string,
    options: { retryAfterMs?: number | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ServiceUnavailable";
    this.service = service;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
