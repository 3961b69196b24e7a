/**
 * One thread of a target, from its start to its end; the agent's side.
 *
 * starting → ready → ended. `starting` becomes `ready` with the thread's first word. `ended` is reached from either, by
 * its own exit or by ours, and is final: whoever wants to go on starts another. A call that is under way then, or that
 * finds the thread silent for too long, is rejected with `ThreadEnded`; none waits for ever.
 */
import { Worker } from "node:worker_threads";
import { type CarriedError, packError } from "./carried-error";
import type { FromThread, ThreadAnswer, ThreadCall, ThreadStart, ToThread } from "./messages";

export interface TargetThreadOptions {
  readonly program: string;
  readonly start: ThreadStart;
  /** A thread with calls under way that answers none of them for this long has come to a stand. */
  readonly silenceMs: number;
}

/** Why calls of a thread get no answer: it could not be started, it ended under them, or it stands still. */
export type ThreadEnd = "not-started" | "ended" | "silent";

export class ThreadEnded extends Error {
  readonly end: ThreadEnd;

  constructor(end: ThreadEnd, message: string) {
    super(message);
    this.name = "ThreadEnded";
    this.end = end;
  }
}

interface Pending {
  readonly resolve: (answer: ThreadAnswer) => void;
  readonly reject: (error: ThreadEnded) => void;
}

/** An idle thread closes its files and goes; a busy one is ended where it stands, unless that is inside a statement. */
const CLOSE_MS = 1_000;
const END_MS = 1_000;
/** Heap of a thread. A batch has at most 1,000 items, and little else lives there. */
const HEAP_MB = 128;

export class TargetThread {
  readonly #worker: Worker;
  readonly #options: TargetThreadOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #calls = 0;
  #ready = false;
  #gone = false;
  #ended: ThreadEnded | undefined;
  #fault: CarriedError | undefined;
  #heardAt = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: TargetThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.program, {
      name: `target ${options.start.name}`,
      workerData: options.start,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    this.#worker.on("message", (message: FromThread) => this.#hear(message));
    this.#worker.on("error", (error) => {
      this.#fault = packError(error);
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#gone = true;
        this.#end(this.#ready ? "ended" : "not-started", this.#reason(code));
        resolve();
      });
    });
  }

  /** Takes calls. */
  get usable(): boolean {
    return this.#ended === undefined;
  }

  /** Has left the process: no statement of it runs any more. */
  get gone(): boolean {
    return this.#gone;
  }

  /** @throws ThreadEnded */
  call(call: ThreadCall): Promise<ThreadAnswer> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = (this.#calls += 1);
    return new Promise((resolve, reject) => {
      this.#say({ say: "call", id, call });
      if (this.#pending.size === 0) this.#heardAt = performance.now();
      this.#pending.set(id, { resolve, reject });
      this.#watchSilence();
    });
  }

  /** Answers whether the thread has left the process. */
  async close(): Promise<boolean> {
    if (!this.#gone && this.#ready && this.#pending.size === 0) {
      this.#ended ??= new ThreadEnded("ended", "the target has been closed");
      this.#say({ say: "close" });
      await this.#exitWithin(CLOSE_MS);
    }
    if (!this.#gone) {
      this.#end("ended", "the target has been closed");
      void this.#worker.terminate();
      await this.#exitWithin(END_MS);
    }
    return this.#gone;
  }

  #say(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromThread): void {
    this.#heardAt = performance.now();
    if (message.say === "ready") {
      this.#ready = true;
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) this.#stopWatch();
    pending?.resolve(message.answer);
  }

  /** One timer while calls are under way; it is set again for as long as the thread is heard. */
  #watchSilence(): void {
    if (this.#watch !== undefined || this.#pending.size === 0) return;
    const { silenceMs } = this.#options;
    const judge = (): void => {
      this.#watch = undefined;
      if (this.#pending.size === 0) return;
      if (performance.now() - this.#heardAt < silenceMs) return this.#watchSilence();
      this.#end("silent", `no answer for ${Math.round(silenceMs / 1_000)} s`);
      void this.#worker.terminate();
    };
    // After a stall of this thread its timers come first: what the other said meanwhile is heard, then judged.
    const dueMs = Math.max(0, this.#heardAt + silenceMs - performance.now());
    this.#watch = setTimeout(() => setImmediate(judge), dueMs);
  }

  #end(end: ThreadEnd, message: string): void {
    this.#stopWatch();
    this.#ended ??= new ThreadEnded(end, message);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(this.#ended);
  }

  #stopWatch(): void {
    clearTimeout(this.#watch);
    this.#watch = undefined;
  }

  /** Code and class only: the text of an error that ended a thread may repeat a value. */
  #reason(exitCode: number): string {
    const fault = this.#fault;
    if (fault === undefined) return `exit code ${exitCode}`;
    return fault.kind === "postern" ? fault.code : (fault.code ?? fault.name);
  }

  async #exitWithin(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([this.#exited, late]);
    clearTimeout(timer);
  }
}
