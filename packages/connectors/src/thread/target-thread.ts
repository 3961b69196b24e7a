/**
 * One thread of a target, from its start to its end; the agent's side.
 *
 * starting → ready → leaving → ended. `starting` becomes `ready` with the thread's first word, `ready` becomes `leaving`
 * when it has had no call for a while: it closes its files and goes, and a call that comes then is for the next thread.
 * `ended` is reached from each of them, by its own exit or by ours, and is final: whoever wants to go on starts another. A
 * call that is under way then is rejected with `ThreadEnded`; none waits for ever. The start has a limit of its own; from
 * then on a thread with calls under way shows that it lives by answers and by statements that come back (`Pulse`), and is
 * ended when it shows nothing for too long. So is one that does not get its files closed in that time.
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
  /** A thread that is not ready after this long is ended. */
  readonly startMs: number;
  /** A thread with calls under way that ends no statement and answers none of them for this long has come to a stand. */
  readonly silenceMs: number;
  /** A thread that has had no call for this long leaves. */
  readonly restMs: number;
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
/** Silence is this many looks in a row that find nothing new: a stall of the whole process counts as one. */
const LOOKS = 10;

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
  #silentLooks = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: TargetThreadOptions) {
    this.#options = options;
    const data: ThreadData = { start: options.start, pulse: this.#pulse.cell };
    this.#worker = new Worker(options.program, {
      name: `target ${options.start.name}`,
      workerData: data,
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
    this.#watchStart();
  }

  /** Takes calls. */
  get usable(): boolean {
    return this.#ended === undefined;
  }

  /** While it closes its files and goes: resolves when it has gone, or was given up and is ended. */
  get leaving(): Promise<void> | undefined {
    return this.#leaving;
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
      if (this.#pending.size === 0) {
        this.#silentLooks = 0;
        if (this.#ready) this.#stopWatch();
      }
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
    this.#silentLooks = 0;
    if (message.say === "ready") {
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
    this.#lookIn(startMs, () => {
      if (this.#ready) return;
      this.#end("not-started", `not ready after ${Math.round(startMs / 1_000)} s`);
      void this.#worker.terminate();
    });
  }

  /** One timer while calls are under way; it is set again for as long as the thread shows that it lives. */
  #watchSilence(): void {
    if (!this.#ready || this.#watch !== undefined || this.#pending.size === 0) return;
    const { silenceMs } = this.#options;
    this.#lookIn(silenceMs / LOOKS, () => {
      if (this.#pending.size === 0) return;
      const { beats } = this.#pulse;
      this.#silentLooks = beats === this.#beats ? this.#silentLooks + 1 : 0;
      this.#beats = beats;
      if (this.#silentLooks < LOOKS) return this.#watchSilence();
      this.#end("silent", `no statement has ended for ${Math.round(silenceMs / 1_000)} s`);
      void this.#worker.terminate();
    });
  }

  /** Nothing is under way. No call is lost between the look and the leave: both are one turn of the loop. */
  #watchRest(): void {
    const { restMs, silenceMs } = this.#options;
    this.#lookIn(restMs, () => {
      this.#ended = new ThreadEnded("ended", "it had nothing to do");
      this.#say({ say: "close" });
      const givenUp = new Promise<void>((resolve) => {
        this.#lookIn(silenceMs, () => {
          void this.#worker.terminate();
          resolve();
        });
      });
      this.#leaving = Promise.race([this.#exited, givenUp]).finally(() => {
        this.#leaving = undefined;
      });
    });
  }

  /** After a stall of this thread its timers come first: what the other said meanwhile is heard before the look. */
  #lookIn(delayMs: number, look: () => void): void {
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#watch !== timer) return;
        this.#watch = undefined;
        look();
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
