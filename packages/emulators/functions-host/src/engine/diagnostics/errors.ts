/** Why the host could not start or carry on; one line each, closed set. */
export type HostErrorCode =
  /** The app folder, its package.json or its entry file is not there. */
  | "app-not-found"
  /** The app's code threw while it was loaded, or registered nothing. */
  | "app-load-failed"
  /** host.json is not JSON or has a value out of range. */
  | "host-json-invalid"
  /** A settings file is not JSON or not a flat object of texts. */
  | "settings-invalid"
  /** A binding names an app setting that does not exist. */
  | "setting-missing"
  /** A route template cannot be understood or is reserved. */
  | "route-invalid"
  /** A timer's schedule is neither NCRONTAB nor a time span. */
  | "schedule-invalid"
  /** A binding lacks something or asks for something this emulator does not do. */
  | "binding-invalid"
  /** The keys file is not of the expected form. */
  | "keys-invalid"
  /** The library asked for something the core module does not supply. */
  | "core-misuse";

export class FunctionsHostError extends Error {
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FunctionsHostError";
    this.code = code;
  }
}

/** The invocation ran longer than host.json's `functionTimeout`. Its promise is no longer listened to. */
export class FunctionTimeoutError extends Error {
  readonly timeoutMs: number;

  constructor(functionName: string, timeoutMs: number) {
    super(`Timeout value of ${timeoutMs} ms exceeded by function ${functionName}.`);
    this.name = "FunctionTimeoutError";
    this.timeoutMs = timeoutMs;
  }
}

/** A fault that was armed on purpose made the host refuse the invocation. */
export class ArmedFaultError extends Error {
  constructor(kind: string) {
    super(`An armed fault (${kind}) struck this invocation.`);
    this.name = "ArmedFaultError";
  }
}

/** The text of anything that can be thrown; with the stack where there is one. */
export function describeError(error: unknown): string {
  if (typeof error === "object" && error !== null) {
    const stack: unknown = Reflect.get(error, "stack");
    if (typeof stack === "string" && stack !== "") return stack;
    const message: unknown = Reflect.get(error, "message");
    if (typeof message === "string") return message;
  }
  return String(error);
}

/** The message alone, for a line that already says where it happened. */
export function errorMessage(error: unknown): string {
  const message: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "message") : undefined;
  return typeof message === "string" ? message : String(error);
}
