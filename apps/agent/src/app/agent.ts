/**
 * The life of an agent, from start to drained; `wireAgent` builds its loops.
 *
 * States are those of `lifecycleModel`. `start` returns when the loops run. `stop` drains and may be called at any
 * time. `ended` resolves once everything is closed, and rejects with the cause when an assumption was broken. The agent
 * reads no environment, ends no process and prints nothing: main.ts does.
 */
import type { HeartbeatLoop } from "../control/heartbeat-loop";
import type { JobAttempts } from "../jobs/attempt";
import type { JobsLoop } from "../jobs/jobs-loop";
import type { AgentPorts } from "../ports/agent-ports";
import { settledWithin } from "@postern/runtime";
import type { Reporter } from "../reports/reporter";
import type { CrashWatch } from "../suspects/crash-watch";
import type { TargetLoop } from "../targets/target-loop";
import { drainPlan, type LifecycleState } from "./drain-policy";
import type { Lifecycle } from "./lifecycle";
import type { Settings } from "./settings";
import { version } from "./version";

export interface AgentStats {
  readonly state: LifecycleState;
  readonly itemsFinished: number;
  readonly lanesHeld: number;
  readonly jobsInFlight: number;
  readonly resultMessagesSent: number;
}

/** The parts of an agent, built by `wireAgent`. */
export interface AgentParts {
  readonly lifecycle: Lifecycle;
  readonly targets: readonly TargetLoop[];
  readonly jobs: JobsLoop;
  readonly attempts: JobAttempts;
  readonly heartbeat: HeartbeatLoop;
  readonly reporter: Reporter;
  readonly crashWatch: CrashWatch | undefined;
}

export class Agent {
  readonly #settings: Settings;
  readonly #ports: AgentPorts;
  readonly #parts: AgentParts;
  readonly #onClose: () => Promise<void>;
  readonly #stopWork = new AbortController();
  readonly #cutWork = new AbortController();
  readonly #stopHeartbeat = new AbortController();
  readonly #end = Promise.withResolvers<void>();
  #work: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(
    settings: Settings,
    ports: AgentPorts,
    parts: AgentParts,
    onClose: () => Promise<void>,
  ) {
    this.#settings = settings;
    this.#ports = ports;
    this.#parts = parts;
    this.#onClose = onClose;
  }

  /** Resolves when everything is closed; rejects with the cause when an assumption was broken. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  start(): void {
    const { lifecycle, targets, jobs, heartbeat } = this.#parts;
    if (lifecycle.state !== "starting") return;
    lifecycle.step("started");
    const stop = this.#stopWork.signal;
    const cut = this.#cutWork.signal;
    this.#work = Promise.all([jobs.run(stop, cut), ...targets.map((loop) => loop.run(stop, cut))]);
    this.#work.catch((error: unknown) => this.#fail(error));
    heartbeat.run(this.#stopHeartbeat.signal).catch((error: unknown) => this.#fail(error));
    this.#ports.log.info("agent.started", {
      version,
      targets: targets.map(({ name }) => name),
      lanesPerTarget: this.#settings.concurrency.lanesPerTarget,
    });
  }

  /** Drains: takes nothing new, and finishes or gives back the work in hand within the deadline. Safe to call twice. */
  stop(reason: string, deadlineMs: number = this.#settings.drain.deadlineMs): Promise<void> {
    this.#stopping ??= this.#drain(reason, deadlineMs).catch((error: unknown) =>
      this.#end.reject(error),
    );
    return this.#stopping;
  }

  stats(): AgentStats {
    const { lifecycle, attempts, reporter } = this.#parts;
    return {
      state: lifecycle.state,
      itemsFinished: this.#itemsFinished(),
      lanesHeld: this.#lanesHeld(),
      jobsInFlight: attempts.running().length,
      resultMessagesSent: reporter.messagesSent,
    };
  }

  /**
   * Whether a thread of a target is still running. After the drain that is one that could not be closed: a statement
   * that cannot be interrupted may be running in it, and an orderly exit of the process would wait for it.
   */
  get hasThreads(): boolean {
    return [...this.#ports.targets.values()].some(({ hasThread }) => hasThread === true);
  }

  async #drain(reason: string, deadlineMs: number): Promise<void> {
    const { clock, log } = this.#ports;
    const { lifecycle, attempts, heartbeat } = this.#parts;
    const began = clock.monotonicMs();
    const plan = drainPlan(deadlineMs);
    lifecycle.step("stop");
    log.info("drain.started", {
      reason,
      deadlineMs,
      lanesHeld: this.#lanesHeld(),
      jobs: attempts.running().length,
    });
    this.#stopWork.abort();
    // Reports the drain now, not at the next heartbeat. Later heartbeats keep the leases of jobs in hand.
    const firstBeat = heartbeat.beat();
    const finished = await settledWithin(clock, plan.finishMs, this.#work);
    if (!finished) this.#cutWork.abort(new Error("the drain deadline has passed"));
    const closeBy = began + deadlineMs;
    const left = (): number => Math.max(50, closeBy - clock.monotonicMs());
    if (!finished) await settledWithin(clock, left() / 2, this.#work);
    this.#stopHeartbeat.abort();
    await settledWithin(clock, left(), Promise.allSettled([this.#close(), firstBeat]));
    lifecycle.step(finished ? "drained" : "deadline");
    log.info("agent.stopped", {
      reason,
      finished,
      durationMs: Math.round(clock.monotonicMs() - began),
      itemsFinished: this.#itemsFinished(),
    });
    this.#end.resolve();
  }

  /** Closes targets and broker in parallel: a broker that hangs must not keep targets open or spans unsent. */
  async #close(): Promise<void> {
    const atTargets = this.#closeTargets();
    const atStores = Promise.allSettled([this.#parts.crashWatch?.close(), atTargets]);
    await Promise.allSettled([this.#ports.broker.close(), atStores.then(() => this.#onClose())]);
  }

  async #closeTargets(): Promise<void> {
    const closings = [...this.#ports.targets].map(async ([name, target]) => {
      try {
        await target.close();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#ports.log.warn("target.close-failed", { target: name, reason });
      }
    });
    await Promise.all(closings);
  }

  /** A broken assumption: gives everything back and ends; the service manager starts the agent again. */
  #fail(error: unknown): void {
    if (this.#stopping !== undefined) return;
    this.#ports.log.error("assumption.broken", {
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    this.#stopping = this.#drain(
      "broken assumption",
      Math.min(3_000, this.#settings.drain.deadlineMs),
    )
      .catch(() => undefined)
      .then(() => this.#end.reject(error));
    this.#end.reject(error);
  }

  #itemsFinished(): number {
    return this.#parts.targets.reduce((sum, loop) => sum + loop.itemsFinished, 0);
  }

  #lanesHeld(): number {
    return this.#parts.targets.reduce((sum, loop) => sum + loop.lanesHeld, 0);
  }
}
