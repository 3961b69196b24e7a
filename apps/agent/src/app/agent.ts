/**
 * An agent: loops over ports, and its life from start to drained.
 *
 * States are those of `lifecycleModel`. `start` returns when the loops run; `stop` drains and may be called at any time;
 * `ended` resolves once everything is closed, and rejects with the cause when an assumption of ours was broken. It reads no
 * environment, ends no process and prints nothing: main.ts does.
 */
import { hostname } from "node:os";
import {
  type Heartbeat,
  JOB_MESSAGE_TYPE,
  nextState,
  resultsQueueName,
  workQueueName,
} from "@postern/contracts";
import { drainPlan, lifecycleModel, type LifecycleState } from "./drain-policy";
import { stamp } from "../units/ledger-decision";
import type { AgentPorts } from "../ports/agent-ports";
import { settledWithin } from "@postern/runtime";
import { type WorkTypes, workTypes } from "../lanes/work-reader";
import { jobKindRegistry } from "../jobs/kinds/registry";
import { targetTest } from "../jobs/kinds/target-test";
import { ApplyGate } from "../suspects/apply-gate";
import { CrashWatch } from "../suspects/crash-watch";
import { HeartbeatLoop } from "../control/heartbeat-loop";
import { JobsLoop } from "../jobs/jobs-loop";
import { Reporter } from "../reports/reporter";
import { TargetLoop } from "../targets/target-loop";
import type { Settings } from "./settings";
import { version } from "./version";

export interface AgentStats {
  readonly state: LifecycleState;
  readonly itemsFinished: number;
  readonly lanesHeld: number;
  readonly jobsInFlight: number;
  readonly resultMessagesSent: number;
}

export class Agent {
  readonly #settings: Settings;
  readonly #ports: AgentPorts;
  readonly #startedAtMs: number;
  readonly #targetLoops: readonly TargetLoop[];
  readonly #jobs: JobsLoop;
  readonly #heartbeat: HeartbeatLoop;
  readonly #reporter: Reporter;
  readonly #crashWatch: CrashWatch | undefined;
  readonly #stopWork = new AbortController();
  readonly #cutWork = new AbortController();
  readonly #stopHeartbeat = new AbortController();
  readonly #onClose: () => Promise<void>;
  readonly #types: WorkTypes;
  #state: LifecycleState = "starting";
  #itemsFinished = 0;
  #work: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #resolveEnded: () => void = () => undefined;
  #rejectEnded: (error: unknown) => void = () => undefined;
  readonly ended: Promise<void>;

  constructor(
    settings: Settings,
    ports: AgentPorts,
    onClose: () => Promise<void>,
    types: WorkTypes = workTypes,
  ) {
    this.#types = types;
    this.#settings = settings;
    this.#ports = ports;
    this.#onClose = onClose;
    this.#startedAtMs = ports.clock.wallMs();
    this.ended = new Promise((resolve, reject) => {
      this.#resolveEnded = resolve;
      this.#rejectEnded = reject;
    });
    const { clock, random, broker, ledger, trials, api, log, tracing, targets } = ports;
    const { agentId: agent, tenant, branch, group } = settings;
    const source = { tenant, branch, group, agent };
    const gate = new ApplyGate(clock);
    const suspects = trials === undefined ? undefined : new CrashWatch(trials, agent, clock);
    this.#crashWatch = suspects;
    this.#reporter = new Reporter({
      clock,
      broker,
      tracing,
      queue: resultsQueueName(group),
      source,
    });
    this.#targetLoops = [...targets].map(
      ([name, target]) =>
        new TargetLoop(name, {
          clock,
          random,
          broker,
          target,
          log: log.child({ target: name }),
          queue: workQueueName(group, name),
          slots: settings.concurrency.lanesPerTarget,
          probeTimeoutMs: settings.probe.timeoutMs,
          probeIdleMs: settings.probe.idleMs,
          lane: {
            limits: settings.lanes,
            address: { tenant, branch, group, target: name },
            source,
            types,
            unit: { clock, random, ledger, target, retry: settings.retry, gate, suspects },
            reporter: this.#reporter,
            tracing,
            onItemsFinished: (items) => {
              this.#itemsFinished += items;
            },
          },
        }),
    );
    this.#jobs = new JobsLoop({
      clock,
      random,
      broker,
      api,
      log,
      agent,
      source,
      registry: jobKindRegistry([targetTest(targets)]),
      isRegistered: () => this.#heartbeat.isAnswered,
      inFlight: settings.concurrency.jobsInFlight,
    });
    this.#heartbeat = new HeartbeatLoop({
      clock,
      api,
      log,
      agent,
      intervalMs: settings.heartbeat.intervalMs,
      snapshot: () => this.#snapshot(),
      cancel: (job) => this.#jobs.cancel(job),
    });
  }

  start(): void {
    if (this.#state !== "starting") return;
    this.#step("started");
    const stop = this.#stopWork.signal;
    const cut = this.#cutWork.signal;
    const work = [
      this.#jobs.run(stop, cut),
      ...this.#targetLoops.map((loop) => loop.run(stop, cut)),
    ];
    this.#work = Promise.all(work);
    this.#work.catch((error: unknown) => this.#fail(error));
    this.#heartbeat.run(this.#stopHeartbeat.signal).catch((error: unknown) => this.#fail(error));
    this.#ports.log.info("agent.started", {
      version,
      targets: this.#targetLoops.map(({ name }) => name),
      lanesPerTarget: this.#settings.concurrency.lanesPerTarget,
    });
  }

  /** Drains: nothing new is taken, work in hand is finished or given back within the deadline. Safe to call twice. */
  stop(reason: string, deadlineMs: number = this.#settings.drain.deadlineMs): Promise<void> {
    this.#stopping ??= this.#drain(reason, deadlineMs).catch((error: unknown) =>
      this.#rejectEnded(error),
    );
    return this.#stopping;
  }

  stats(): AgentStats {
    return {
      state: this.#state,
      itemsFinished: this.#itemsFinished,
      lanesHeld: this.#lanesHeld(),
      jobsInFlight: this.#jobs.running().length,
      resultMessagesSent: this.#reporter.messagesSent,
    };
  }

  /**
   * Whether a target's thread is still in the process. After the end it is one that could not be closed: a statement that
   * cannot be interrupted may run in it, and an orderly end of the process would wait for it.
   */
  get hasThreads(): boolean {
    return [...this.#ports.targets.values()].some(({ hasThread }) => hasThread === true);
  }

  async #drain(reason: string, deadlineMs: number): Promise<void> {
    const { clock, log } = this.#ports;
    const began = clock.monotonicMs();
    const plan = drainPlan(deadlineMs);
    this.#step("stop");
    log.info("drain.started", {
      reason,
      deadlineMs,
      lanesHeld: this.#lanesHeld(),
      jobs: this.#jobs.running().length,
    });
    this.#stopWork.abort();
    // Nobody need wait for the next heartbeat to learn of it. Those that follow keep the leases of jobs in hand.
    const firstWord = this.#heartbeat.beat();
    const finished = await settledWithin(clock, plan.finishMs, this.#work);
    if (!finished) this.#cutWork.abort(new Error("the drain deadline has passed"));
    const closeBy = began + deadlineMs;
    const left = (): number => Math.max(50, closeBy - clock.monotonicMs());
    if (!finished) await settledWithin(clock, left() / 2, this.#work);
    this.#stopHeartbeat.abort();
    await settledWithin(clock, left(), Promise.allSettled([this.#close(), firstWord]));
    this.#step(finished ? "drained" : "deadline");
    log.info("agent.stopped", {
      reason,
      finished,
      durationMs: Math.round(clock.monotonicMs() - began),
      itemsFinished: this.#itemsFinished,
    });
    this.#resolveEnded();
  }

  /** Beside the broker: one that does not answer costs no target its close, and no span its way. */
  async #close(): Promise<void> {
    const atTargets = this.#closeTargets();
    const atStores = Promise.allSettled([this.#crashWatch?.close(), atTargets]);
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

  /** A broken assumption: give everything back and end; the service manager starts the agent again. */
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
      .then(() => this.#rejectEnded(error));
    this.#rejectEnded(error);
  }

  #lanesHeld(): number {
    return this.#targetLoops.reduce((sum, loop) => sum + loop.lanesHeld, 0);
  }

  #step(
    event: Parameters<
      typeof nextState<LifecycleState, "started" | "stop" | "drained" | "deadline">
    >[2],
  ): void {
    this.#state = nextState(lifecycleModel, this.#state, event) ?? this.#state;
  }

  #snapshot(): Heartbeat {
    const { branch, group } = this.#settings;
    return {
      group,
      branch,
      host: hostname().slice(0, 255),
      version,
      capabilities: [...this.#types.keys(), JOB_MESSAGE_TYPE],
      startedAt: stamp(this.#startedAtMs),
      state:
        this.#state === "starting" || this.#state === "running"
          ? "running"
          : this.#state === "draining"
            ? "draining"
            : "stopping",
      targets: this.#targetLoops.map((loop) => loop.health()),
      itemsFinished: this.#itemsFinished,
      lanesHeld: this.#lanesHeld(),
      jobs: this.#jobs.running(),
    };
  }
}
