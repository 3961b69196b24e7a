/**
 * One platform under chaos: its processes, the proxies between them, the administrators, the oracle.
 *
 * start → (faults, workload) → quiesce → check → close. Scenarios do the faults; this says what must be true
 * afterwards, from what lies outside the product: Graph's own lists, the target's tables and audit log, the broker's
 * gauges, and what the HTTP API answers any caller.
 */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { CycleView, DeadLetterView, SyncDefinition } from "@postern/contracts";
import type { DataDirectory, LocalPlatform } from "@postern/local";
import type { SeededRandom } from "../../kit/seeded-random";
import { type AuditedTarget, auditViolations } from "../target/audited-target";
import type { Connections } from "../faults/connections";
import { differences } from "../target/differences";
import type { GraphSession } from "./graph-session";
import type { History } from "./history";
import type { PostgresServer } from "../target/postgres-server";
import type { Strikes } from "../faults/strikes";
import { WorkFeed } from "./work-feed";
import { type StageOptions, type StageParts, startParts } from "./stage-parts";
import type { Workload } from "./workload";

/** Once healed, everything must be in step within this. */
const QUIET_WITHIN_MS = 180_000;
const QUIET_POLL_MS = 500;
/** In step for this long, or it was a coincidence. */
const QUIET_FOR_MS = 2_500;
/** Enough to see what is missing; the history also keeps the count. */
const OUTSTANDING_NOTED = 20;

/** Result of a scenario's end. */
export interface StageEnd {
  readonly violations: readonly string[];
  /** Milliseconds from the end of the faults until everything was in step; undefined when the run was cut short. */
  readonly inStepAfterMs: number | undefined;
}

export class ChaosStage {
  readonly definition: SyncDefinition;
  readonly random: SeededRandom;
  readonly data: DataDirectory;
  readonly history: History;
  readonly platform: LocalPlatform;
  readonly connections: Connections;
  readonly strikes: Strikes;
  readonly target: AuditedTarget;
  readonly postgres: PostgresServer | undefined;
  readonly graph: GraphSession;
  readonly workload: Workload;
  /** How often chaos ended each process: any other exit is its own. */
  readonly #ended = new Map<string, number>();
  readonly #options: StageOptions;

  private constructor(parts: StageParts, options: StageOptions) {
    this.definition = parts.definition;
    this.random = parts.random;
    this.data = parts.data;
    this.history = parts.history;
    this.platform = parts.platform;
    this.connections = parts.connections;
    this.strikes = parts.strikes;
    this.target = parts.target;
    this.postgres = parts.postgres;
    this.graph = parts.graph;
    this.workload = parts.workload;
    this.#options = options;
  }

  static async start(options: StageOptions): Promise<ChaosStage> {
    return new ChaosStage(await startParts(options), options);
  }

  /** Sends work straight to the targets' queues. */
  feed(): Promise<WorkFeed> {
    return WorkFeed.open(this.platform.endpoints, this.definition, this.data.state.tenantId);
  }

  get agentNames(): readonly string[] {
    return [...this.platform.processes.keys()].filter((name) => name.startsWith("agent"));
  }

  say(text: string): void {
    this.#options.say(text);
  }

  pid(name: string): number {
    const pid = this.platform.processes.get(name)?.pid;
    if (pid === undefined) throw new Error(`${name} is not running`);
    return pid;
  }

  signal(name: string, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    process.kill(this.pid(name), signal);
    if (signal === "SIGKILL") this.noteEnded(name);
    this.history.note("signal", { process: name, signal });
  }

  /** A process was ended on purpose. */
  noteEnded(name: string): void {
    this.#ended.set(name, (this.#ended.get(name) ?? 0) + 1);
  }

  /** How often a process has exited on its own since it was started. */
  ownEnds(name: string): number {
    const restarts = this.platform.processes.get(name)?.restarts ?? 0;
    return restarts - (this.#ended.get(name) ?? 0);
  }

  /** Starts an agent that has left. Its earlier ends no longer count. */
  async startAgent(name: string): Promise<void> {
    this.#ended.delete(name);
    await this.platform.startAgent(name);
  }

  /** Waits until a process that was ended runs again. */
  async runsAgain(name: string, endedPid: number): Promise<void> {
    const supervised = this.platform.processes.get(name);
    const deadline = performance.now() + 30_000;
    while (performance.now() < deadline) {
      if (supervised?.pid !== undefined && supervised.pid !== endedPid) {
        const ready = await supervised.ready().then(
          () => true,
          () => false,
        );
        if (ready) return;
      }
      await sleep(20);
    }
    throw new Error(`${name} did not restart within 30 s`);
  }

  /** Whether the run is to end early: scenarios look before each step. */
  get interrupted(): boolean {
    return this.#options.interrupted.aborted;
  }

  /** Sleeps, and not beyond an interruption. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.interrupted }).catch(() => undefined);
  }

  /** Ends the scenario: heals everything, waits until all is in step (unless cut short), and checks. */
  async finish(isExpected: (letter: DeadLetterView) => boolean = () => false): Promise<StageEnd> {
    if (!this.interrupted) {
      const { tookMs, outstanding } = await this.quiesce();
      // Interrupted while waiting: outstanding work is then no finding.
      if (!this.interrupted)
        return {
          violations: [...outstanding, ...(await this.check(isExpected))],
          inStepAfterMs: tookMs,
        };
    }
    await this.#heal();
    await this.postgres?.revive();
    return { violations: await this.check(isExpected), inStepAfterMs: undefined };
  }

  /** Ends the faults and the changes and waits until no work is left. Returns what is still outstanding. */
  async quiesce(): Promise<{ tookMs: number; outstanding: string[] }> {
    await this.#heal();
    const began = performance.now();
    let quietSince: number | undefined;
    let outstanding: string[] = [];
    while (performance.now() - began < QUIET_WITHIN_MS && !this.interrupted) {
      const before = outstanding[0];
      outstanding = await this.#outstanding();
      if (outstanding[0] !== before)
        this.history.note("outstanding", { count: outstanding.length, first: outstanding[0] });
      const now = performance.now();
      if (outstanding.length > 0) quietSince = undefined;
      else {
        quietSince ??= now;
        if (now - quietSince >= QUIET_FOR_MS) break;
      }
      await this.pause(QUIET_POLL_MS);
    }
    const tookMs = Math.round((quietSince ?? performance.now()) - began);
    this.history.note("quiet", { tookMs, outstanding: outstanding.slice(0, OUTSTANDING_NOTED) });
    return { tookMs, outstanding };
  }

  /** Returns what breaks a promise, in the history or at the end. */
  async check(isExpected: (letter: DeadLetterView) => boolean): Promise<string[]> {
    const violations = auditViolations(await this.target.audit());
    for (const letter of await this.openDeadLetters())
      if (!isExpected(letter))
        violations.push(
          `dead letter of an item without a fault: ${letter.entity ?? "message"}: ${letter.code}: ${letter.reason}`,
        );
    for (const name of this.platform.processes.keys()) {
      const own = this.ownEnds(name);
      if (own > 0) violations.push(`${name} exited on its own ${own} times (logs/${name}.log)`);
    }
    for (const violation of violations) this.history.note("violation", { violation });
    return violations;
  }

  /** Stops everything. `keepData` keeps the data of a failed run. */
  async close(keepData: boolean): Promise<void> {
    await this.target.close();
    this.graph.close();
    await this.platform.stop();
    await this.connections.close();
    await this.postgres?.close();
    if (!keepData && this.#options.data === undefined)
      rmSync(this.data.root, { recursive: true, force: true });
  }

  async #heal(): Promise<void> {
    await this.workload.stop();
    this.connections.healAll();
    for (const name of ["functions", ...this.agentNames]) {
      this.strikes.withdraw(name);
      try {
        process.kill(this.pid(name), "SIGCONT");
      } catch {
        // It is being restarted, so it is not stopped.
      }
    }
    this.history.note("healed");
  }

  async #outstanding(): Promise<string[]> {
    try {
      const queues = await this.busyQueues();
      if (queues.length > 0) return queues;
      const open = (await this.#cycles()).filter(({ state }) => state !== "completed");
      if (open.length > 0)
        return open.map(
          ({ id, state, pending, enqueued, waiting, streams }) =>
            `cycle ${id} is ${state}: ${pending} of ${enqueued} items without an outcome, ${waiting} waiting, ${JSON.stringify(streams)}`,
        );
      return await differences(await this.graph.tenant(), this.target);
    } catch (error) {
      return [`cannot be checked: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  /** Queues with anything in them, and how much. */
  async busyQueues(): Promise<string[]> {
    const stats = await this.platform.stats("service-bus");
    return Object.entries(stats)
      .filter(
        ([name, value]) =>
          value > 0 &&
          /^(active|scheduled|deferred|deadLettered):/.test(name) &&
          // A tick comes every second, so a pending one says nothing.
          name !== "active:sync-start",
      )
      .map(([name, value]) => `${name} = ${value}`);
  }

  /** All of them, however many. */
  async openDeadLetters(): Promise<readonly DeadLetterView[]> {
    const { api } = this.platform;
    return (await api.list("listDeadLetters", { query: { state: "open" } }, Infinity)).value;
  }

  async #cycles(): Promise<readonly CycleView[]> {
    const params = { id: this.definition.id };
    return (await this.platform.api.list("listCycles", { params }, Infinity)).value;
  }
}
