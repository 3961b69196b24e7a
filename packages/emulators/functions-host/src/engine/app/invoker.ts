/**
 * Runs one invocation through the library's own model: getInvocationModel -> getArguments -> preInvocation hooks ->
 * invokeFunction -> postInvocation hooks -> getResponse, as the Node.js worker does.
 *
 * An invocation is running, then exactly one of: succeeded, failed, timed out. After a time-out its promise continues
 * in the background (JavaScript cannot end it), but its result is ignored; `onTimeout` decides what becomes of the
 * process. Callers: the triggers. It never throws and never settles messages or replies to requests.
 */
import { randomUUID } from "node:crypto";
import type { Counters } from "@postern/emulator-kit";
import { describeError, FunctionTimeoutError } from "../diagnostics/errors";
import type { HostLog } from "../diagnostics/log";
import type { TraceContext } from "../diagnostics/trace-context";
import type { CoreModule, RegisteredFunction } from "./core-module";
import type {
  CoreInvocationContext,
  RpcInvocationResponse,
  RpcRetryContext,
  RpcTypedData,
} from "./rpc";

export interface Invocation {
  readonly fn: RegisteredFunction;
  /** Name and data of the trigger binding. */
  readonly trigger: { readonly name: string; readonly data: RpcTypedData };
  readonly triggerMetadata?: Readonly<Record<string, RpcTypedData>>;
  readonly traceContext?: TraceContext;
  readonly retryContext?: RpcRetryContext;
  /** Runs after the function, before the invocation counts as succeeded: the output bindings. */
  readonly deliver?: (response: RpcInvocationResponse) => Promise<void>;
}

export type InvocationResult =
  | { readonly kind: "succeeded"; readonly response: RpcInvocationResponse }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "timed-out"; readonly error: FunctionTimeoutError };

export interface InvokerOptions {
  readonly core: CoreModule;
  readonly log: HostLog;
  readonly counters: Counters;
  /** Infinity: no time-out. */
  readonly timeoutMs: number;
  readonly onTimeout: (functionName: string) => void;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

export class Invoker {
  readonly #options: InvokerOptions;
  readonly #active = new Set<Promise<unknown>>();

  constructor(options: InvokerOptions) {
    this.#options = options;
  }

  get active(): number {
    return this.#active.size;
  }

  invoke(invocation: Invocation): Promise<InvocationResult> {
    const run = this.#invoke(invocation);
    this.#active.add(run);
    this.#options.counters.add("active");
    const ended = (): void => {
      this.#active.delete(run);
      this.#options.counters.add("active", -1);
    };
    run.then(ended, ended);
    return run;
  }

  /** Resolves when nothing runs any more; also waits for invocations that begin meanwhile. */
  async idle(): Promise<void> {
    while (this.#active.size > 0) await Promise.allSettled(this.#active);
  }

  async #invoke(invocation: Invocation): Promise<InvocationResult> {
    const { counters, log, timeoutMs, onTimeout } = this.#options;
    const { name } = invocation.fn.metadata;
    const invocationId = randomUUID();
    const startedAt = performance.now();
    counters.add("invocations");
    counters.add(`invocations:${name}`);
    const fate = { abandoned: false };
    const work = this.#run(invocation, invocationId, fate);
    const result = await (timeoutMs > MAX_TIMER_MS ? work : withTimeout(work, name, timeoutMs));
    const took = `${Math.round(performance.now() - startedAt)} ms`;
    switch (result.kind) {
      case "succeeded":
        log.write(
          "debug",
          `Executed 'Functions.${name}' (Succeeded, Duration=${took})`,
          name,
          invocationId,
        );
        return result;
      case "failed": {
        counters.add("failures");
        counters.add(`failures:${name}`);
        const reason = describeError(result.error);
        log.write(
          "error",
          `Executed 'Functions.${name}' (Failed, Duration=${took}): ${reason}`,
          name,
          invocationId,
        );
        return result;
      }
      case "timed-out":
        fate.abandoned = true;
        counters.add("failures");
        counters.add(`failures:${name}`);
        counters.add("timeouts");
        log.write(
          "error",
          `Executed 'Functions.${name}' (Timed out): ${result.error.message}`,
          name,
          invocationId,
        );
        onTimeout(name);
        return result;
    }
  }

  async #run(
    invocation: Invocation,
    invocationId: string,
    fate: { readonly abandoned: boolean },
  ): Promise<InvocationResult> {
    try {
      const response = await this.#runModel(invocation, invocationId);
      // The service has ended the worker by now: what the function returns afterwards is lost.
      if (!fate.abandoned) await invocation.deliver?.(response);
      return { kind: "succeeded", response };
    } catch (error) {
      return { kind: "failed", error };
    }
  }

  async #runModel(invocation: Invocation, invocationId: string): Promise<RpcInvocationResponse> {
    const { core } = this.#options;
    const { fn, trigger, triggerMetadata, traceContext, retryContext } = invocation;
    const model = core.model;
    if (model === undefined) throw new Error("The app has set no programming model.");
    const { name } = fn.metadata;
    const known: { invocationContext?: unknown } = {};
    const context: CoreInvocationContext = {
      invocationId,
      request: {
        invocationId,
        inputData: [trigger],
        ...(triggerMetadata === undefined ? {} : { triggerMetadata }),
        ...(traceContext === undefined ? {} : { traceContext }),
        ...(retryContext === undefined ? {} : { retryContext }),
      },
      metadata: fn.metadata,
      log: (level, category, message) =>
        core.write(level, category, message, name, invocationId, known.invocationContext),
    };
    const invocationModel = await model.getInvocationModel(context);
    const args = await invocationModel.getArguments();
    known.invocationContext = args.context;
    const shared = {
      hookData: {},
      appHookData: core.appHookData,
      invocationContext: args.context,
    };

    const pre = { ...shared, functionCallback: fn.callback, inputs: args.inputs };
    context.state = "preInvocationHooks";
    await core.runHooks("preInvocation", pre);

    const post: { inputs: unknown[]; result: unknown; error: unknown } & typeof shared = {
      ...shared,
      inputs: pre.inputs,
      result: null,
      error: null,
    };
    context.state = "invocation";
    try {
      post.result = await invocationModel.invokeFunction(
        args.context,
        pre.inputs,
        pre.functionCallback,
      );
    } catch (error) {
      post.error = error ?? new Error("The function threw nothing.");
    }
    context.state = "postInvocationHooks";
    await core.runHooks("postInvocation", post);
    context.state = undefined;
    // A hook may have cleared or set the error: what it leaves counts.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (post.error !== null && post.error !== undefined) throw post.error;
    return invocationModel.getResponse(args.context, post.result);
  }
}

async function withTimeout(
  work: Promise<InvocationResult>,
  functionName: string,
  timeoutMs: number,
): Promise<InvocationResult> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<InvocationResult>((resolve) => {
    // An invocation that outlives the host must not keep the process alive.
    timer = setTimeout(
      () =>
        resolve({ kind: "timed-out", error: new FunctionTimeoutError(functionName, timeoutMs) }),
      timeoutMs,
    ).unref();
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
