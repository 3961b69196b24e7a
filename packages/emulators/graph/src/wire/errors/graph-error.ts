/*
 * Every refusal that the emulator makes on purpose, in the words of Microsoft Graph v1.0. Clients branch on status and
 * code, people read the message, so all are as in the service.
 */

/** Length of `YYYY-MM-DDThh:mm:ss`. */
const DATE_CHARS = 19;

export type GraphErrorCode =
  | "BadRequest"
  | "Request_BadRequest"
  | "Request_UnsupportedQuery"
  | "Request_ResourceNotFound"
  | "InvalidAuthenticationToken"
  | "Authorization_RequestDenied"
  | "syncStateNotFound"
  | "TooManyRequests"
  | "RequestEntityTooLarge"
  | "MethodNotAllowed"
  | "ServiceNotAvailable"
  | "InternalServerError";

export interface GraphErrorDetail {
  readonly code: string;
  readonly message: string;
  readonly target: string;
}

export class GraphError extends Error {
  readonly status: number;
  readonly code: GraphErrorCode;
  readonly details: readonly GraphErrorDetail[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: GraphErrorCode,
    message: string,
    extra: {
      readonly details?: readonly GraphErrorDetail[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: extra.cause });
    this.name = "GraphError";
    this.status = status;
    this.code = code;
    this.details = extra.details ?? [];
    this.headers = extra.headers ?? {};
  }
}

export function badRequest(message: string): GraphError {
  return new GraphError(400, "Request_BadRequest", message);
}

/** A request that Graph's OData layer refuses before the directory sees it. */
export function malformed(message: string): GraphError {
  return new GraphError(400, "BadRequest", message);
}

export function unsupportedQuery(message: string): GraphError {
  return new GraphError(400, "Request_UnsupportedQuery", message);
}

export function notFound(id: string): GraphError {
  const message = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
  return new GraphError(404, "Request_ResourceNotFound", message);
}

export function noSuchSegment(segment: string): GraphError {
  return malformed(`Resource not found for the segment '${segment}'.`);
}

export function conflict(property: string): GraphError {
  const message = `Another object with the same value for property ${property} already exists.`;
  return new GraphError(400, "Request_BadRequest", message, {
    details: [{ code: "ObjectConflict", message, target: property }],
  });
}

/** The body of an error response. */
export function errorBody(
  error: GraphError,
  ids: { readonly requestId: string; readonly clientRequestId: string },
): Record<string, unknown> {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.details.length === 0 ? {} : { details: error.details }),
      innerError: {
        date: new Date().toISOString().slice(0, DATE_CHARS),
        "request-id": ids.requestId,
        "client-request-id": ids.clientRequestId,
      },
    },
  };
}
