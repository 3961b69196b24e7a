/**
 * A target whose driver can stand still, behind the same interface as any other: each call is a message to a thread of
 * the target's own. The thread is started by the first call and leaves when it has had none for a while; the next call
 * waits until it has gone and starts another. When it ends by itself (a crash, no memory left), its calls become failures
 * of the target, and the next call starts another. While one that stands still in a statement has not left, none is
 * started beside it.
 *
 * A probe starts no thread as long as nothing speaks against the target: it looks at it from outside. After a call that
 * failed for the target as a whole, while calls are under way, and whenever the look is not content, the thread is asked.
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
   * Looks at the target without its thread and without waiting in this one. Undefined: ask the thread. Never throws, and
   * opens nothing: that belongs to the thread alone.
   */
  readonly look: () => Promise<Glance | undefined>;
}

/** What a look from outside tells: nothing speaks against the target. */
export type Glance = Pick<ProbeResult, "product">;

export class ThreadTarget implements Target {
  readonly name: string;
  readonly kind: string;
  readonly hasInbox: boolean;
  readonly maxBatchItems: number;
  readonly #options: TargetThreadOptions;
  readonly #look: ThreadTargetOptions["look"];
  #callsUnderWay = 0;
  /** The last call said that the target as a whole does not work. */
  #doubted = false;
  #thread: TargetThread | undefined;
  #closed = false;

  constructor({ kind, hasInbox, maxBatchItems, thread, look }: ThreadTargetOptions) {
    this.name = thread.start.name;
    this.kind = kind;
    this.hasInbox = hasInbox;
    this.maxBatchItems = maxBatchItems;
    this.#options = thread;
    this.#look = look;
  }

  get hasThread(): boolean {
    return this.#thread?.gone === false;
  }

  async probe({ signal, thorough = false }: ProbeOptions): Promise<ProbeResult> {
    const began = performance.now();
    const durationMs = (): number => Math.round(performance.now() - began);
    if (!thorough && !this.#doubted && !this.#closed && this.#callsUnderWay === 0) {
      const glance = await untilAborted(this.#look(), signal);
      if (glance !== undefined) return { reachable: true, ...glance, durationMs: durationMs() };
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
    throw new Error("broken assumption: a batch is answered as one");
  }

  async close(): Promise<void> {
    this.#closed = true;
    if ((await this.#thread?.close()) === false) {
      throw new PosternError("target-timeout", "a statement that cannot be interrupted still runs");
    }
  }

  /** As the target's thread has it. Never throws; `durationMs` is the thread's own, or 0. */
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
      invariant(answer.answer === "probed", "a probe is answered as one");
      return answer.result;
    } catch (error) {
      return unreachable(this.#failureOf(error).message);
    }
  }

  /** @throws ThreadEnded, PosternError */
  async #call(call: ThreadCall): Promise<ThreadAnswer> {
    this.#callsUnderWay += 1;
    try {
      for (;;) {
        const leaving = this.#thread?.leaving;
        if (leaving === undefined) return await this.#running().call(call);
        await leaving;
      }
    } finally {
      this.#callsUnderWay -= 1;
    }
  }

  #running(): TargetThread {
    if (this.#closed) throw new PosternError("target-unreachable", "the target has been closed");
    const thread = this.#thread;
    if (thread?.usable === true) return thread;
    if (thread !== undefined && !thread.gone) {
      throw new PosternError("target-timeout", "a statement from before still runs");
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
        return { class: "target-down", code: "target-timeout", message: `the target: ${message}` };
      case "ended":
        // Not target-down: an item that ends the thread would keep the whole target from working. A retry is a message
        // of its own, so that the others of the batch get past it.
        return {
          class: "transient",
          code: "internal",
          message: `the target's thread ended during the batch (${message}); another is started`,
        };
    }
  }
}

function isTargetDown(result: ApplyResult): boolean {
  return "failure" in result && result.failure.class === "target-down";
}

/** Undefined when the signal came first. The work goes on, and its end is nobody's business any more. */
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
