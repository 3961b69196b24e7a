/**
 * Every error that Postern reports, with a line of explanation and the HTTP status where it is answered over HTTP.
 * The set is closed: outcomes, statuses and exit codes are looked up here, never in message texts.
 */
export const errorCodes = {
  "request-invalid": {
    status: 400,
    explanation: "The request does not match its schema; `errors` names each field.",
  },
  "not-authenticated": {
    status: 401,
    explanation: "The bearer token is missing, expired, or not from the pinned issuer.",
  },
  "not-authorised": {
    status: 403,
    explanation: "The token lacks the app role that this route needs.",
  },
  "not-found": { status: 404, explanation: "There is no such resource." },
  "method-not-allowed": { status: 405, explanation: "The route exists, but not with this method." },
  conflict: { status: 409, explanation: "The resource is not in a state that allows this." },
  "idempotency-mismatch": {
    status: 422,
    explanation: "The Idempotency-Key was used before with a different request.",
  },
  "replay-refused": {
    status: 409,
    explanation: "The dead letter cannot be replayed as it is; `errors` says why.",
  },
  "attempt-held": { status: 409, explanation: "Another agent holds this job's attempt." },
  "precondition-failed": {
    status: 412,
    explanation: "The resource has changed since it was read.",
  },
  "body-too-large": { status: 413, explanation: "The body is larger than this route accepts." },
  "media-type-unsupported": {
    status: 415,
    explanation: "The route does not read a body of this media type.",
  },
  throttled: { status: 429, explanation: "Too many requests; try again after the given time." },
  internal: {
    status: 500,
    explanation: "An internal error; the log has the details under the trace id.",
  },
  "dependency-unavailable": {
    status: 503,
    explanation: "A cloud service that the request depends on does not respond.",
  },

  "message-malformed": { explanation: "A queue message does not match the schema of its type." },
  "message-type-unknown": {
    explanation: "A queue message has a type or major version that this program does not read.",
  },
  "message-wrong-address": {
    explanation:
      "A queue message is meant for another group, target or lane than the queue it came in.",
  },
  "delivery-limit": {
    explanation: "The broker dead-lettered a message after too many deliveries.",
  },
  "message-expired": { explanation: "A message expired before it was received." },

  "definition-invalid": {
    status: 400,
    explanation: "A sync definition does not match its schema.",
  },
  "expression-invalid": {
    status: 400,
    explanation: "A mapping or scope expression cannot be read.",
  },
  "mapping-failed": {
    explanation:
      "For one entity, an expression failed or returned a value that the target cannot hold.",
  },
  "object-unreadable": {
    explanation:
      "Microsoft Graph returned an object that is nested too deep, too large, or has no valid id.",
  },
  "item-too-large": { explanation: "One entity's item is larger than a message may be." },

  "target-unknown": { explanation: "The agent has no target of that name in its settings." },
  "target-unreachable": {
    explanation: "The target does not respond; its queue is paused until a probe succeeds.",
  },
  "target-refused-login": { explanation: "The target refuses the agent's credentials." },
  "target-object-missing": { explanation: "The target has no such table, class or resource." },
  "target-column-missing": { explanation: "The target's table lacks a mapped column." },
  "target-rejected": {
    explanation: "The target refuses the values: a type, length or constraint.",
  },
  "target-not-permitted": { explanation: "The agent's account may not write this at the target." },
  "target-conflict": { explanation: "Another row holds a value that must be unique." },
  "target-reference-missing": {
    explanation: "The target does not have the row that this one refers to yet.",
  },
  "target-busy": {
    explanation: "The target asks to slow down, or chose this transaction as a deadlock victim.",
  },
  "target-timeout": { explanation: "The target did not respond in time." },
  "retries-exhausted": {
    explanation: "An item kept failing until the time for retries was over.",
  },
  poison: { explanation: "An item ended the agent's process each time it was tried alone." },

  "job-deadline": { explanation: "A job did not end before its deadline." },
  "job-kind-unknown": { explanation: "The agent does not know this kind of job." },

  "settings-invalid": {
    explanation: "Settings do not match their schema; every problem is listed.",
  },
  "tenant-invalid": { explanation: "A tenant file does not have the format of Microsoft Graph." },
  "graph-refused": {
    explanation: "Microsoft Graph refused a request, and retrying would not help.",
  },
  "delta-expired": { explanation: "The delta token has expired; a resync compares everything." },
} as const satisfies Record<string, { explanation: string; status?: number }>;

export type ErrorCode = keyof typeof errorCodes;

export function explain(code: ErrorCode): string {
  return errorCodes[code].explanation;
}

/** Base of every error that Postern raises on purpose. Programs branch on `code`, people read `message`. */
export class PosternError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PosternError";
    this.code = code;
    this.details = options.details ?? {};
  }
}

/**
 * A broken assumption: not an expected failure. The agent stops and is restarted; the cloud app fails the invocation.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (
    condition === false ||
    condition === undefined ||
    condition === null ||
    condition === 0 ||
    condition === ""
  ) {
    throw new Error(`broken assumption: ${message}`);
  }
}
