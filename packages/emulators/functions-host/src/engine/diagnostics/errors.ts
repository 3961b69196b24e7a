/** Why the host could not start or continue. */
export type HostErrorCode =
  /** The app folder, its package.json or its entry file is missing. */
  | "app-not-found"
  /** The app's code threw while it was loaded, or registered nothing. */
  | "app-load-failed"
  /** host.json is not JSON or has a value out of range. */
  | "host-json-invalid"
  /** A settings file is not JSON or not a flat object of strings. */
  | "settings-invalid"
  /** A binding names an app setting that does not exist. */
  | "setting-missing"
  /** A route template is malformed or reserved. */
  | "route-invalid"
  /** A timer's schedule is neither NCRONTAB nor a time span. */
  | "schedule-invalid"
  /** A binding is incomplete or uses something that is not emulated. */
  | "binding-invalid"
  /** The keys file does not have the expected form. */
  | "keys-invalid"
  /** The library used the core module in a way that it does not support. */
  | "core-misuse";

export class FunctionsHostError extends Error {
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FunctionsHostError";
    this.code = code;
  }
}

/** The invocation ran longer than host.json's `functionTimeout`. Its result is ignored. */
export class FunctionTimeoutError extends Error {
  readonly timeoutMs: number;

  constructor(functionName: string, timeoutMs: number) {
    super(`Timeout value of ${timeoutMs} ms exceeded by function ${functionName}.`);
    this.name = "FunctionTimeoutError";
    this.timeoutMs = timeoutMs;
  }
}

/** An armed fault made the host refuse the invocation. */
export class ArmedFaultError extends Error {
  constructor(kind: string) {
    super(`An armed fault (${kind}) struck this invocation.`);
    this.name = "ArmedFaultError";
  }
}

/** The text of anything that can be thrown, with the stack if there is one. */
export function describeError(error: unknown): string {
  if (typeof error === "object" && error !== null) {
    const stack: unknown = Reflect.get(error, "stack");
    if (typeof stack === "string" && stack !== "") return stack;
    const message: unknown = Reflect.get(error, "message");
    if (typeof message === "string") return message;
  }
  return String(error);
}

/** The message alone, for a line that already names the place. */
export function errorMessage(error: unknown): string {
  const message: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "message") : undefined;
  return typeof message === "string" ? message : String(error);
}
