/**
 * A target whose driver blocks, behind the same interface as any other target: each call is a message to the target's
 * thread. The first call starts the thread. The thread leaves after a while without calls, and the next call waits
 * until it has exited and starts another one. If the thread crashes or runs out of memory, its calls fail, and the next
 * call starts another one. While a thread is stuck in a statement, no other thread is started.
 *
 * A probe uses the thread only if it has to: when it is thorough, after a call that found the target as a whole down,
 * while calls are running, and when the quick probe finds a problem. Otherwise the quick probe is enough.
 */
import { invariant, PosternError } from "@postern/contracts";
import type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  ProbeOptions,
  ProbeResult,
  Target,
  TargetFailure,
} from "../connector";
import { traceStatement, tracesStatements } from "../tracing/trace-statement";
import { unpackError } from "./carried-error";
import type { ThreadAnswer, ThreadCall } from "./messages";
import { StopFlag } from "./stop-flag";
import { TargetThread, type TargetThreadOptions, ThreadEnded } from "./target-thread";

export interface ThreadTargetOptions {
  readonly kind: string;
  readonly hasInbox: boolean;
  readonly maxBatchItems: number;
  readonly thread: TargetThreadOptions;
  /**
   * Checks the target without its thread, and without blocking the calling one. Undefined: probe in the thread. Never
   * throws, and opens nothing: only the thread may do that.
   */
  readonly quickProbe: () => Promise<QuickProbe | undefined>;
}

/** The result of a quick probe that found no problem. */
export type QuickProbe = Pick<ProbeResult, "product">;

export class ThreadTarget implements Target {
  readonly name: string;
  readonly kind: string;
  readonly hasInbox: boolean;
  readonly maxBatchItems: number;
  readonly #options: TargetThreadOptions;
  readonly #quickProbe: ThreadTargetOptions["quickProbe"];
  #runningCalls = 0;
  /** The last call found the target as a whole down. */
  #doubted = false;
  #thread: TargetThread | undefined;
  #closed = false;

  constructor({ kind, hasInbox, maxBatchItems, thread, quickProbe }: ThreadTargetOptions) {
    this.name = thread.start.name;
    this.kind = kind;
    this.hasInbox = hasInbox;
    this.maxBatchItems = maxBatchItems;
    this.#options = thread;
    this.#quickProbe = quickProbe;
  }

  get hasThread(): boolean {
    return this.#thread?.gone === false;
  }

  async probe({ signal, thorough = false }: ProbeOptions): Promise<ProbeResult> {
    const began = performance.now();
    const durationMs = (): number => Math.round(performance.now() - began);
    if (!thorough && !this.#doubted && !this.#closed && this.#runningCalls === 0) {
      const quick = await untilAborted(this.#quickProbe(), signal);
      if (quick !== undefined) return { reachable: true, ...quick, durationMs: durationMs() };
    }
    const result = await this.#probeInThread(signal);
    this.#doubted = !result.reachable;
    return result.reachable ? result : { ...result, durationMs: durationMs() };
  }

  async apply(
    items: readonly ApplyItem[],
    { signal }: ApplyOptions,
  ): Promise<readonly ApplyResult[]> {
    invariant(
      items.length <= this.maxBatchItems,
      `a batch has at most ${this.maxBatchItems} items`,
    );
    signal.throwIfAborted();
    const stop = new StopFlag();
    const raise = (): void => stop.raise();
    signal.addEventListener("abort", raise, { once: true });
    let answer: ThreadAnswer;
    try {
      const traced = tracesStatements();
      answer = await this.#call({ call: "apply", items, stop: stop.cell, traced });
    } catch (error) {
      const failure = this.#failureOf(error);
      this.#doubted = failure.class === "target-down";
      const begun = error instanceof ThreadEnded && error.end !== "not-started";
      const outcome = begun && !this.hasInbox ? "unknown" : "failed";
      return items.map(() => ({ outcome, failure }));
    } finally {
      signal.removeEventListener("abort", raise);
    }
    if ("spans" in answer) for (const span of answer.spans) traceStatement(span);
    switch (answer.answer) {
      case "applied":
        this.#doubted = answer.results.some(isTargetDown);
        return answer.results;
      case "failed":
        throw unpackError(answer.error);
      case "stopped":
        signal.throwIfAborted();
        break;
      case "probed":
    }
    throw new Error("broken assumption: the answer to a batch is of another kind");
  }

  async close(): Promise<void> {
    this.#closed = true;
    if ((await this.#thread?.close()) === false) {
      throw new PosternError(
        "target-timeout",
        "a statement that cannot be interrupted is still running",
      );
    }
  }

  /** Probes in the target's thread. Never throws; `durationMs` is measured in the thread, or 0. */
  async #probeInThread(signal: AbortSignal): Promise<ProbeResult> {
    const unreachable = (reason: string): ProbeResult => ({
      reachable: false,
      reason,
      durationMs: 0,
    });
    try {
      const answer = await untilAborted(this.#call({ call: "probe" }), signal);
      if (answer === undefined) return unreachable("the probe was stopped");
      if (answer.answer === "failed") throw unpackError(answer.error);
      invariant(answer.answer === "probed", "the answer to a probe is a probe result");
      return answer.result;
    } catch (error) {
      return unreachable(this.#failureOf(error).message);
    }
  }

  /**
   * @throws ThreadEnded when the thread cannot be started, ends or is stuck
   * @throws PosternError when the target is closed, or an earlier thread is still running a statement
   */
  async #call(call: ThreadCall): Promise<ThreadAnswer> {
    this.#runningCalls += 1;
    try {
      for (;;) {
        const leaving = this.#thread?.leaving;
        if (leaving === undefined) return await this.#running().call(call);
        await leaving;
      }
    } finally {
      this.#runningCalls -= 1;
    }
  }

  #running(): TargetThread {
    if (this.#closed) throw new PosternError("target-unreachable", "the target is closed");
    const thread = this.#thread;
    if (thread?.usable === true) return thread;
    if (thread !== undefined && !thread.gone) {
      throw new PosternError("target-timeout", "an earlier statement is still running");
    }
    this.#thread = new TargetThread(this.#options);
    return this.#thread;
  }

  #failureOf(error: unknown): TargetFailure {
    if (error instanceof PosternError) {
      return { class: "target-down", code: error.code, message: error.message };
    }
    if (!(error instanceof ThreadEnded)) throw error;
    const { message } = error;
    switch (error.end) {
      case "not-started":
        return {
          class: "target-down",
          code: "target-unreachable",
          message: `the target's thread could not be started (${message})`,
        };
      case "silent":
        return {
          class: "target-down",
          code: "target-timeout",
          message: `the target is stuck: ${message}`,
        };
      case "ended":
        // Not target-down: one item that ends the thread would stop the whole target. Each item's retry is a separate
        // message, so the other items of the batch get past it.
        return {
          class: "transient",
          code: "internal",
          message: `the target's thread ended during the batch (${message}); the next call starts another one`,
        };
    }
  }
}

function isTargetDown(result: ApplyResult): boolean {
  return "failure" in result && result.failure.class === "target-down";
}

/** Returns the work's result, or undefined if the signal comes first. The work goes on, and its result is ignored. */
async function untilAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> {
  if (signal.aborted) return work.catch(() => undefined).then(() => undefined);
  let stop = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
