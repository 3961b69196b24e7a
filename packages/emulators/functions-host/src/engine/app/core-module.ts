/**
 * What the app's @azure/functions gets when it requires `@azure/functions-core`: it registers functions, hooks and the
 * programming model here. One per started host. It never runs anything itself (see invoker.ts).
 */
import { describeError, FunctionsHostError } from "../diagnostics/errors";
import type { HostLog, LogLevel } from "../diagnostics/log";
import type {
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  LogCategory,
  ProgrammingModel,
} from "./rpc";

/** Version of the host whose behaviour is emulated; parts of the library require at least 4.28. */
export const HOST_VERSION = "4.1045.200.0";

const HOOK_NAMES = ["appStart", "appTerminate", "preInvocation", "postInvocation", "log"] as const;
export type HookName = (typeof HOOK_NAMES)[number];

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

function isHookName(name: string): name is HookName {
  return (HOOK_NAMES as readonly string[]).includes(name);
}

class Disposable {
  #dispose: (() => void) | undefined;

  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }

  static from(...items: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => items.forEach((item) => item.dispose()));
  }

  dispose(): void {
    this.#dispose?.();
    this.#dispose = undefined;
  }
}

export class CoreModule {
  readonly functions = new Map<string, RegisteredFunction>();
  /** Shared by all hooks of the app. */
  readonly appHookData: Record<string, unknown> = {};
  model: ProgrammingModel | undefined;
  readonly #hooks: Record<HookName, HookCallback[]> = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
  readonly #log: HostLog;
  #sealed = false;

  constructor(log: HostLog) {
    this.#log = log;
  }

  /** The object that `require("@azure/functions-core")` returns. */
  readonly api = {
    version: "3.12.0",
    hostVersion: HOST_VERSION,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
      this.#registerFunction(metadata, callback),
    registerHook: (name: string, callback: HookCallback) => this.#registerHook(name, callback),
    setProgrammingModel: (model: ProgrammingModel) => {
      this.model = model;
    },
    getProgrammingModel: () => this.model,
    log: (level: LogLevel, category: LogCategory, message: string) =>
      this.write(level, category, message),
    Disposable,
  };

  /** Refuses further functions: once the app has started, the host has indexed them. */
  seal(): void {
    this.#sealed = true;
  }

  /** Runs the hooks of one kind one after the other, in the order of their registration. */
  async runHooks(name: HookName, context: object): Promise<void> {
    for (const callback of this.#hooks[name]) await callback(context);
  }

  /** Passes a line through the app's log hooks, which may change its level and text, and writes it. */
  write(
    level: LogLevel,
    category: LogCategory,
    message: string,
    functionName?: string,
    invocationId?: string,
    invocationContext?: unknown,
  ): void {
    const context = {
      level,
      message,
      category,
      invocationContext,
      hookData: {},
      appHookData: this.appHookData,
    };
    for (const callback of this.#hooks.log) {
      try {
        callback(context);
      } catch (error) {
        this.#log.write(
          "error",
          `A log hook threw: ${describeError(error)}`,
          functionName,
          invocationId,
        );
      }
    }
    this.#log.write(context.level, context.message, functionName, invocationId);
  }

  #registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    const { name } = metadata;
    if (this.#sealed) {
      throw new FunctionsHostError(
        "core-misuse",
        `Function "${name}" was registered after the app had started.`,
      );
    }
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,126}$/.test(name)) {
      throw new FunctionsHostError(
        "core-misuse",
        `"${name}" is not a valid function name: letters, digits, - and _, beginning with a letter, up to 127.`,
      );
    }
    if (this.functions.has(name)) {
      throw new FunctionsHostError(
        "core-misuse",
        `A function named "${name}" has already been registered.`,
      );
    }
    this.functions.set(name, { metadata, callback });
    return new Disposable(() => this.functions.delete(name));
  }

  #registerHook(name: string, callback: HookCallback): Disposable {
    if (!isHookName(name)) {
      throw new FunctionsHostError("core-misuse", `Unrecognized hook "${name}".`);
    }
    const hooks = this.#hooks[name];
    hooks.push(callback);
    return new Disposable(() => {
      const index = hooks.indexOf(callback);
      if (index >= 0) hooks.splice(index, 1);
    });
  }
}
