/** Every error of the service that the emulator returns, with its HTTP status. */
const STATUS_BY_CODE = {
  /** The request cannot be read or breaks a rule of the service. */
  BadRequest: 400,
  /** The signature does not match the key. */
  Unauthorized: 401,
  /** The date of the request is too far off. */
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  /** An id or a unique key is taken. */
  Conflict: 409,
  /** If-Match or a patch condition does not hold. */
  PreconditionFailed: 412,
  RequestEntityTooLarge: 413,
  /** Another operation of the same batch failed. */
  FailedDependency: 424,
  TooManyRequests: 429,
  /** A feature of the service that is not emulated. */
  NotImplemented: 501,
  ServiceUnavailable: 503,
} as const;
export type ErrorCode = keyof typeof STATUS_BY_CODE;

/** Substatus of "the partition key does not match the document or the container". */
export const PARTITION_KEY_MISMATCH = 1001;
/** Substatus of "too many requests for the provisioned throughput". */
export const THROTTLED = 3200;

export class CosmosError extends Error {
  override readonly name = "CosmosError";
  readonly code: ErrorCode;
  readonly substatus: number | undefined;

  constructor(code: ErrorCode, message: string, substatus?: number) {
    // A reply like any other, whose stack is never read: capturing it costs a quarter of a point read.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.substatus = substatus;
  }

  get status(): number {
    return STATUS_BY_CODE[this.code];
  }
}

export function badRequest(message: string, substatus?: number): CosmosError {
  return new CosmosError("BadRequest", message, substatus);
}
