/**
 * One thread of a target, from start to end, seen from the agent's side.
 *
 * starting → ready → leaving → ended
 *
 * - `starting` becomes `ready` with the thread's first message. A thread that takes too long is ended.
 * - `ready` becomes `leaving` after a while without calls: the thread closes its files and exits. A call that comes
 *   then goes to the next thread.
 * - `ended` follows each of them, when the thread exits or is terminated, and is final. Calls that are running then
 *   reject with `ThreadEnded`, so no call waits forever.
 *
 * A ready thread with running calls shows signs of life: answers, and statements that return (`Pulse`). It is ended
 * after too long without one. So is a leaving thread that does not close its files within the same time.
 */
import { Worker } from "node:worker_threads";
import { type CarriedError, packError } from "./carried-error";
import type {
  FromThread,
  ThreadAnswer,
  ThreadCall,
  ThreadData,
  ThreadStart,
  ToThread,
} from "./messages";
import { Pulse } from "./pulse";

export interface TargetThreadOptions {
  readonly program: string;
  readonly start: ThreadStart;
  /** A thread that is not ready after this time is ended. */
  readonly startMs: number;
  /** A thread with running calls that finishes no statement and answers no call for this long counts as stuck. */
  readonly silenceMs: number;
  /** A thread leaves after this long without a call. */
  readonly restMs: number;
}

/** Why a call gets no answer: the thread could not be started, it ended during the call, or it is stuck. */
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

/** How long an idle thread may take to close its files and exit. */
const CLOSE_MS = 1_000;
/** How long a busy thread may take to end. It cannot end inside a statement. */
const END_MS = 1_000;
/** Heap of a thread. It holds a batch of at most 1,000 items, and little else. */
const HEAP_MB = 128;
/**
 * A thread is silent after this many checks in a row without news: a stall of the whole process counts as one check.
 */
const SILENT_CHECKS = 10;

export class TargetThread {
  readonly #worker: Worker;
  readonly #options: TargetThreadOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #calls = 0;
  #ready = false;
  #gone = false;
  #leaving: Promise<void> | undefined;
  #ended: ThreadEnded | undefined;
  #fault: CarriedError | undefined;
  readonly #pulse = new Pulse();
  #beats = 0;
  #silentChecks = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: TargetThreadOptions) {
    this.#options = options;
    const data: ThreadData = { start: options.start, pulse: this.#pulse.cell };
    this.#worker = new Worker(options.program, {
      name: `target ${options.start.name}`,
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    this.#worker.on("message", (message: FromThread) => this.#receive(message));
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
    this.#watchStart();
  }

  /** Whether the thread accepts calls. */
  get usable(): boolean {
    return this.#ended === undefined;
  }

  /** Set while the thread is leaving: resolves when it has exited, or was given up and terminated. */
  get leaving(): Promise<void> | undefined {
    return this.#leaving;
  }

  /** Whether the thread has exited: none of its statements is running any more. */
  get gone(): boolean {
    return this.#gone;
  }

  /** @throws ThreadEnded when the thread has ended, or ends during the call */
  call(call: ThreadCall): Promise<ThreadAnswer> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = (this.#calls += 1);
    return new Promise((resolve, reject) => {
      this.#send({ type: "call", id, call });
      if (this.#pending.size === 0) {
        this.#silentChecks = 0;
        if (this.#ready) this.#stopWatch();
      }
      this.#pending.set(id, { resolve, reject });
      this.#watchSilence();
    });
  }

  /** Closes or terminates the thread. Returns whether it has exited. */
  async close(): Promise<boolean> {
    if (!this.#gone && this.#ready && this.#pending.size === 0) {
      this.#ended ??= new ThreadEnded("ended", "the target was closed");
      this.#send({ type: "close" });
      await this.#exitWithin(CLOSE_MS);
    }
    if (!this.#gone) {
      this.#end("ended", "the target was closed");
      void this.#worker.terminate();
      await this.#exitWithin(END_MS);
    }
    return this.#gone;
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromThread): void {
    this.#silentChecks = 0;
    if (message.type === "ready") {
      this.#ready = true;
      this.#stopWatch();
      this.#watchSilence();
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) {
      this.#stopWatch();
      this.#watchRest();
    }
    pending?.resolve(message.answer);
  }

  #watchStart(): void {
    const { startMs } = this.#options;
    this.#checkAfter(startMs, () => {
      if (this.#ready) return;
      this.#end("not-started", `not ready after ${Math.round(startMs / 1_000)} s`);
      void this.#worker.terminate();
    });
  }

  /** Runs one timer while there are running calls, and restarts it as long as the thread shows signs of life. */
  #watchSilence(): void {
    if (!this.#ready || this.#watch !== undefined || this.#pending.size === 0) return;
    const { silenceMs } = this.#options;
    this.#checkAfter(silenceMs / SILENT_CHECKS, () => {
      if (this.#pending.size === 0) return;
      const { beats } = this.#pulse;
      this.#silentChecks = beats === this.#beats ? this.#silentChecks + 1 : 0;
      this.#beats = beats;
      if (this.#silentChecks < SILENT_CHECKS) return this.#watchSilence();
      this.#end("silent", `no statement has ended for ${Math.round(silenceMs / 1_000)} s`);
      void this.#worker.terminate();
    });
  }

  /** Waits for calls while none is running. The check and the leave are one turn of the loop, so no call is lost. */
  #watchRest(): void {
    const { restMs, silenceMs } = this.#options;
    this.#checkAfter(restMs, () => {
      this.#ended = new ThreadEnded("ended", "it was idle");
      this.#send({ type: "close" });
      const givenUp = new Promise<void>((resolve) => {
        this.#checkAfter(silenceMs, () => {
          void this.#worker.terminate();
          resolve();
        });
      });
      this.#leaving = Promise.race([this.#exited, givenUp]).finally(() => {
        this.#leaving = undefined;
      });
    });
  }

  /** After a stall of this thread, timers run before I/O: messages that have arrived are handled before the check. */
  #checkAfter(delayMs: number, check: () => void): void {
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#watch !== timer) return;
        this.#watch = undefined;
        check();
      });
    }, delayMs);
    this.#watch = timer;
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

  /** Code or name only: the text of an error that ended a thread may contain a value. */
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
