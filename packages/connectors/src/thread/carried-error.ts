import { type ErrorCode, PosternError } from "@postern/contracts";
import { isNativeError } from "node:util/types";

/**
 * An error that can be sent between threads. A `PosternError` sent as such would arrive as a plain `Error` without its
 * code.
 */
export type CarriedError =
  | {
      readonly kind: "postern";
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
      readonly stack: string | undefined;
      readonly cause: CarriedError | undefined;
    }
  | {
      readonly kind: "other";
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** `code` of Node's own errors. */
      readonly code: string | undefined;
      readonly cause: CarriedError | undefined;
    };

/** Depth to which causes of causes are kept. */
const DEEPEST_CAUSE = 4;

export function packError(error: unknown, depth = 0): CarriedError {
  if (!isNativeError(error)) {
    return {
      kind: "other",
      name: "Error",
      message: String(error),
      stack: undefined,
      code: undefined,
      cause: undefined,
    };
  }
  const { name, message, stack } = error;
  const cause =
    error.cause === undefined || depth === DEEPEST_CAUSE
      ? undefined
      : packError(error.cause, depth + 1);
  if (error instanceof PosternError) {
    return { kind: "postern", code: error.code, message, details: error.details, stack, cause };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { kind: "other", name, message, stack, code, cause };
}

export function unpackError(carried: CarriedError): Error {
  const options = carried.cause === undefined ? {} : { cause: unpackError(carried.cause) };
  let error: Error;
  if (carried.kind === "postern") {
    error = new PosternError(carried.code, carried.message, {
      ...options,
      details: carried.details,
    });
  } else {
    error = new Error(carried.message, options);
    error.name = carried.name;
    if (carried.code !== undefined) Object.assign(error, { code: carried.code });
  }
  if (carried.stack !== undefined) error.stack = carried.stack;
  return error;
}
