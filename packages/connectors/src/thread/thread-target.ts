/**
 * A target whose driver can stand still, behind the same interface as any other: each call is a message to a thread of
 * the target's own. The thread is started by the first call; when it ends by itself (a crash, no memory left), its calls
 * become failures of the target, and the next call starts another. While one that stands still in a statement has not
 * left, none is started beside it.
 */
import { invariant, PosternError } from "@postern/contracts";
import type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  ProbeResult,
  Target,
  TargetFailure,
} from "../connector";
import { traceStatement, tracesStatements } from "../sql/trace-statement";
import { unpackError } from "./carried-error";
import type { ThreadAnswer } from "./messages";
import { StopFlag } from "./stop-flag";
import { TargetThread, type TargetThreadOptions, ThreadEnded } from "./target-thread";

export interface ThreadTargetOptions {
  readonly kind: string;
  readonly hasInbox: boolean;
  readonly maxBatchItems: number;
  readonly thread: TargetThreadOptions;
}

export class ThreadTarget implements Target {
  readonly name: string;
  readonly kind: string;
  readonly hasInbox: boolean;
  readonly maxBatchItems: number;
  readonly #options: TargetThreadOptions;
  #thread: TargetThread | undefined;
  #closed = false;

  constructor({ kind, hasInbox, maxBatchItems, thread }: ThreadTargetOptions) {
    this.name = thread.start.name;
    this.kind = kind;
    this.hasInbox = hasInbox;
    this.maxBatchItems = maxBatchItems;
    this.#options = thread;
  }

  get hasThread(): boolean {
    return this.#thread?.gone === false;
  }

  async probe({ signal }: ApplyOptions): Promise<ProbeResult> {
    const began = performance.now();
    const unreachable = (reason: string): ProbeResult => ({
      reachable: false,
      reason,
      durationMs: Math.round(performance.now() - began),
    });
    try {
      const answer = await untilAborted(this.#running().call({ call: "probe" }), signal);
      if (answer === undefined) return unreachable("the probe was stopped");
      if (answer.answer === "failed") throw unpackError(answer.error);
      invariant(answer.answer === "probed", "a probe is answered as one");
      return answer.result;
    } catch (error) {
      return unreachable(this.#failureOf(error).message);
    }
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
      answer = await this.#running().call({ call: "apply", items, stop: stop.cell, traced });
    } catch (error) {
      const failure = this.#failureOf(error);
      const begun = error instanceof ThreadEnded && error.end !== "not-started";
      const outcome = begun && !this.hasInbox ? "unknown" : "failed";
      return items.map(() => ({ outcome, failure }));
    } finally {
      signal.removeEventListener("abort", raise);
    }
    if ("spans" in answer) for (const span of answer.spans) traceStatement(span);
    switch (answer.answer) {
      case "applied":
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
