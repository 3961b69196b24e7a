/**
 * Runs one timer function when it is due. Idle (waiting for its next occurrence) -> running -> idle; stopped
 * permanently by the host. It never runs twice at the same time: occurrences that pass during a run are skipped, a run
 * requested by hand waits until the current one is over.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { FaultPlan } from "@postern/emulator-kit";
import type { RegisteredFunction } from "../app/core-module";
import type { Invocation, InvocationResult, Invoker } from "../app/invoker";
import type { RpcRetryContext } from "../app/rpc";
import { ArmedFaultError, errorMessage } from "../diagnostics/errors";
import type { HostLog } from "../diagnostics/log";
import { childTraceContext } from "../diagnostics/trace-context";
import { retryDelayMs } from "./retry-policy";
import type { Schedule } from "./schedule";
import type { ScheduleMonitor, ScheduleStatus } from "./schedule-status";

export interface TimerTriggerOptions {
  readonly fn: RegisteredFunction;
  readonly triggerName: string;
  readonly schedule: Schedule;
  readonly scheduleText: string;
  readonly runOnStartup: boolean;
  /** Absent: no status is kept and no occurrence is ever past due. */
  readonly monitor: ScheduleMonitor | undefined;
  readonly invoker: Invoker;
  readonly faults: FaultPlan;
  readonly log: HostLog;
  readonly deliver: Invocation["deliver"];
}

const MAX_WAIT_MS = 24 * 60 * 60 * 1000; // a timer of Node holds at most 24.8 days
const NEVER = "0001-01-01T00:00:00.000Z"; // DateTime.MinValue: how the host writes "has not run yet"

export class TimerTrigger {
  readonly #options: TimerTriggerOptions;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #next: Date | undefined;
  #last: Date | undefined;
  #running = false;
  #runRequested = false;

  constructor(options: TimerTriggerOptions) {
    this.#options = options;
  }

  /** When the next occurrence is due. */
  get next(): Date | undefined {
    return this.#next;
  }

  start(): void {
    const now = new Date();
    const pastDue = this.#restore(now);
    if (pastDue || this.#options.runOnStartup) void this.#run(pastDue);
    else this.#arm();
  }

  runNow(): void {
    if (this.#running) this.#runRequested = true;
    else void this.#run(false);
  }

  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }

  /** Continues where the last host stopped; returns whether an occurrence was missed meanwhile. */
  #restore(now: Date): boolean {
    const { fn, schedule, scheduleText, monitor } = this.#options;
    const status = monitor?.read(fn.metadata.name);
    if (status === undefined) {
      this.#next = schedule.next(now);
      if (monitor) this.#save();
      return false;
    }
    this.#last = status.last === null ? undefined : new Date(status.last);
    this.#next =
      status.schedule === scheduleText
        ? new Date(status.next)
        : schedule.next(this.#last ?? new Date(status.lastUpdated));
    return this.#next !== undefined && now > this.#next;
  }

  #arm(): void {
    if (this.#stopping.signal.aborted || this.#next === undefined) return;
    const waitMs = this.#next.getTime() - Date.now();
    this.#timer = setTimeout(
      () => {
        // Node may call a millisecond early, and a long wait is split.
        if (this.#next !== undefined && Date.now() >= this.#next.getTime()) void this.#run(false);
        else this.#arm();
      },
      Math.min(Math.max(waitMs, 0), MAX_WAIT_MS),
    );
  }

  async #run(isPastDue: boolean): Promise<void> {
    const { fn, schedule, monitor, log } = this.#options;
    clearTimeout(this.#timer);
    this.#running = true;
    try {
      const lostReply = await this.#invokeWithRetries(isPastDue);
      this.#next = schedule.next(new Date());
      if (monitor && !lostReply) this.#save();
    } catch (error) {
      log.write("error", `The timer could not run: ${errorMessage(error)}`, fn.metadata.name);
      this.#next = schedule.next(new Date());
    } finally {
      this.#running = false;
      const again = this.#runRequested && !this.#stopping.signal.aborted;
      this.#runRequested = false;
      if (again) void this.#run(false);
      else this.#arm();
    }
  }

  async #invokeWithRetries(isPastDue: boolean): Promise<boolean> {
    const { fn } = this.#options;
    const { retryOptions } = fn.metadata;
    const max = retryOptions?.maxRetryCount ?? 0;
    const input = this.#timerInfo(isPastDue);
    this.#last = new Date();
    let retryContext: RpcRetryContext | undefined;
    for (let attempt = 0; ; attempt += 1) {
      const { result, lostReply } = await this.#invokeOnce(input, retryContext);
      const retry = result?.kind === "failed" && (max === -1 || attempt < max);
      if (!retry || retryOptions === undefined || this.#stopping.signal.aborted) return lostReply;
      await delay(retryDelayMs(retryOptions, attempt), undefined, {
        signal: this.#stopping.signal,
      }).catch(() => undefined);
      retryContext = {
        retryCount: attempt + 1,
        maxRetryCount: max,
        exception: { message: errorMessage(result.error) },
      };
    }
  }

  async #invokeOnce(
    input: string,
    retryContext: RpcRetryContext | undefined,
  ): Promise<{ result?: InvocationResult; lostReply: boolean }> {
    const { fn, triggerName, invoker, faults, log, deliver } = this.#options;
    const { name } = fn.metadata;
    const fault = faults.take("timer", name);
    switch (fault?.kind) {
      case "cut":
        return { lostReply: true }; // as if the host had died just before: the occurrence stays due
      case "refuse":
      case "throttle": {
        const error = new ArmedFaultError(fault.kind);
        log.write("error", error.message, name);
        return { result: { kind: "failed", error }, lostReply: false };
      }
      case "delay":
        await delay(fault.delayMs, undefined, { signal: this.#stopping.signal });
        break;
      case "lose-reply":
      case undefined:
    }
    const result = await invoker.invoke({
      fn,
      trigger: { name: triggerName, data: { json: input } },
      traceContext: childTraceContext(undefined, undefined, name),
      ...(retryContext === undefined ? {} : { retryContext }),
      ...(deliver === undefined ? {} : { deliver }),
    });
    return { result, lostReply: fault?.kind === "lose-reply" };
  }

  /** In the host's own spelling; the library turns the names to camel case. */
  #timerInfo(isPastDue: boolean): string {
    const { schedule, monitor } = this.#options;
    return JSON.stringify({
      Schedule: { AdjustForDST: schedule.adjustForDst },
      ScheduleStatus:
        monitor === undefined
          ? null
          : {
              Last: this.#last?.toISOString() ?? NEVER,
              Next: this.#next?.toISOString() ?? NEVER,
              LastUpdated: this.#last?.toISOString() ?? NEVER,
            },
      IsPastDue: isPastDue,
    });
  }

  #save(): void {
    const { fn, monitor, scheduleText } = this.#options;
    if (this.#next === undefined) return;
    const status: ScheduleStatus = {
      schedule: scheduleText,
      last: this.#last?.toISOString() ?? null,
      next: this.#next.toISOString(),
      lastUpdated: new Date().toISOString(),
    };
    monitor?.write(fn.metadata.name, status);
  }
}
