/**
 * Runs one plan: two instances of the cloud and two agents over fake services, people who change things, faults that
 * strike; in a hostile world a second group with an honest agent and one that does what it likes. When the plan is over
 * everything is healed, and the world must come to rest as the promises say.
 */
import type { DeadLetterPorts, ParkedPorts, SyncPorts } from "@postern/cloud";
import type { Agent } from "@postern/agent";
import { type GroupName, jobsQueueName, resultsQueueName, workQueueName } from "@postern/contracts";
import { startAgent } from "../agent/agent-instance";
import { checkWorld, type World } from "../check/check-world";
import { startCloudInstance } from "../cloud/cloud-instance";
import { cloudPorts } from "../cloud/cloud-ports";
import { CloudStores } from "../services/cloud-stores";
import { People } from "../people/people";
import { deadLetterPorts } from "../cloud/letter-ports";
import { parkedPorts } from "../cloud/parked-ports";
import { FakeBroker } from "../services/fake-broker";
import { FakeGraph } from "../services/fake-graph";
import { FakeVault } from "../services/fake-vault";
import { type Fault, FaultBook } from "../clockwork/fault-book";
import { Journal } from "../check/history";
import { type Plan, processNames } from "../plan/plan";
import { SeededRandom } from "../../kit/seeded-random";
import { definition, type Place, place, sharedPlace } from "../plan/sim-definition";
import { Intrusion } from "./intrusion";
import { Side } from "./side";
import { SimProcess } from "../clockwork/sim-process";
import { BEGINNING_MS, Timeline } from "../clockwork/timeline";
import { Wire } from "../clockwork/wire";

export interface SeedResult {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly items: number;
  readonly commits: number;
  readonly faults: number;
  readonly events: number;
  readonly simulatedMs: number;
  readonly struck: Readonly<Record<string, number>>;
  readonly lines: readonly string[];
}

const MOST_EVENTS = 400_000;
/** After the last fault: leases, locks, watches and clocks that were wrong have run out long before. */
const LONGEST_REST_MS = 2 * 3_600_000;
/** A hostile agent puts a retry off for two hours. */
const LONGEST_HOSTILE_REST_MS = 3 * 3_600_000;
const CHECK_MS = 7_300;
/** The honest agent of the hostile agent's group. */
const ANNEX_AGENT = "annex-1";

export async function runPlan(
  plan: Plan,
  options: { readonly keepLines?: boolean } = {},
): Promise<SeedResult> {
  const run = new SeedRun(plan, options.keepLines ?? false);
  return run.run();
}

class SeedRun {
  readonly #plan: Plan;
  readonly #timeline = new Timeline();
  readonly #journal = new Journal();
  readonly #faults = new FaultBook();
  readonly #random: SeededRandom;
  readonly #stores = new CloudStores();
  readonly #graph: FakeGraph;
  readonly #vault = new FakeVault(BEGINNING_MS);
  readonly #side: Side;
  readonly #intrusion: Intrusion | undefined;
  readonly #broker: FakeBroker;
  readonly #place: Place;
  readonly #processes = new Map<string, SimProcess>();
  readonly #agents = new Map<string, Agent>();
  readonly #ports = new Map<string, SyncPorts & DeadLetterPorts & ParkedPorts>();
  readonly #people: People;
  #graphSlow = { untilMs: 0, byMs: 0 };
  #healed = false;
  #problems: readonly string[] = ["never at rest"];
  #finished = false;

  constructor(plan: Plan, keepLines: boolean) {
    this.#plan = plan;
    this.#random = new SeededRandom(plan.seed, "world");
    const shared = {
      keepLines,
      timeline: this.#timeline,
      journal: this.#journal,
      stores: this.#stores,
    };
    this.#place = plan.hostile ? sharedPlace : place;
    this.#side = new Side({ ...shared, place: this.#place, definition: definition.id });
    this.#graph = new FakeGraph(new SeededRandom(plan.seed, "graph"), plan.pageSize);
    this.#broker = new FakeBroker(this.#timeline, this.#place.groups, plan.lockMs, {
      accepted: (message) => this.#sideOf(message.queue).history.accepted(message),
      completed: (message) => this.#sideOf(message.queue).history.completed(message),
      deadLettered: (message, code) =>
        this.#sideOf(message.queue).history.deadLettered(message, code),
    });
    this.#intrusion = plan.hostile
      ? new Intrusion({ ...shared, vault: this.#vault, broker: this.#broker, others: this.#side })
      : undefined;
    this.#people = new People({
      plan,
      timeline: this.#timeline,
      history: this.#side.history,
      random: this.#random,
      stores: this.#stores,
      graph: this.#graph,
      target: this.#side.target,
      intrude: (change) => this.#intrusion?.change(change),
      portsOf: (name) =>
        this.#processes.get(name)?.running === true ? this.#ports.get(name) : undefined,
    });
  }

  async run(): Promise<SeedResult> {
    const { seed, changes, faults, endMs } = this.#plan;
    this.#people.furnish();
    for (const name of processNames) this.#start(name);
    if (this.#intrusion !== undefined) this.#start(ANNEX_AGENT);
    this.#people.begin();
    for (const change of changes) this.#timeline.at(change.atMs, () => this.#people.change(change));
    for (const fault of faults) this.#timeline.at(fault.atMs, () => this.#strike(fault));
    this.#timeline.at(endMs, () => this.#heal());
    const end = await this.#timeline.run(
      () => this.#finished || this.#side.history.violations.length > 0,
      MOST_EVENTS,
    );
    const { violations } = this.#journal;
    const problems =
      violations.length > 0
        ? violations
        : this.#finished
          ? this.#problems
          : [`the world stopped: ${end}`, ...this.#problems];
    return {
      seed,
      problems,
      items: this.#side.history.itemsSent,
      commits: this.#side.history.commits,
      faults: [...this.#faults.struck.values()].reduce((sum, count) => sum + count, 0),
      events: this.#timeline.eventsRun,
      simulatedMs: this.#timeline.nowMs - BEGINNING_MS,
      struck: Object.fromEntries(this.#faults.struck),
      lines: this.#side.history.lines,
    };
  }

  // ---- processes ---------------------------------------------------------------------------------------------------

  #start(name: string): void {
    const kind = name.startsWith("cloud") ? "cloud" : "agent";
    const skewMs = this.#healed ? 0 : (this.#plan.skewMs[name] ?? 0);
    const process = new SimProcess(this.#timeline, kind, name, skewMs);
    this.#processes.set(name, process);
    const wire = new Wire(process, {
      faults: this.#faults,
      random: this.#random,
      crash: (dead, restartAfterMs) => this.#kill(dead, restartAfterMs),
    });
    const common = { process, wire, random: this.#random, broker: this.#broker };
    this.#side.history.note(`${name} starts`);
    if (kind === "agent") {
      const { slots, batchItems } = this.#plan;
      const { place, history, target, ledger } = this.#sideOfAgent(name);
      const agent = startAgent({
        ...common,
        ...{ place, history, target, ledger },
        slots,
        batchItems,
        acceptWaitMs: 60_000,
      });
      this.#agents.set(name, agent);
      return;
    }
    const { history } = this.#side;
    const world = {
      ...common,
      stores: this.#stores,
      graph: this.#graph,
      vault: this.#vault,
      graphSlowedMs: () =>
        this.#timeline.nowMs < this.#graphSlow.untilMs ? this.#graphSlow.byMs : 0,
      place: this.#place,
      log: history.note,
    };
    const ports = parkedPorts(world, deadLetterPorts(world, cloudPorts(world)));
    this.#ports.set(name, ports);
    const { hostile, tickMs } = this.#plan;
    startCloudInstance({ ...common, history, ports, hostile, groupOf: this.#groupOf, tickMs });
  }

  readonly #groupOf = (queue: string): GroupName | undefined =>
    this.#place.groups.find(({ name, targets }) => {
      const own = [resultsQueueName(name), jobsQueueName(name)];
      return [...own, ...targets.map((target) => workQueueName(name, target))].includes(queue);
    })?.name;

  /** Whose history a queue belongs to; that of the start queue is the one that every world has. */
  #sideOf(queue: string): Side {
    const group = this.#groupOf(queue.replace("/$DeadLetterQueue", ""));
    const { annex } = this.#intrusion ?? {};
    return annex !== undefined && annex.place.group === group ? annex : this.#side;
  }

  #sideOfAgent(name: string): Side {
    return name === ANNEX_AGENT ? (this.#intrusion?.annex ?? this.#side) : this.#side;
  }

  #kill(process: SimProcess, restartAfterMs: number): void {
    if (!process.alive) return;
    this.#side.history.note(`${process.name} is killed`);
    process.kill();
    this.#timeline.after(restartAfterMs, () => {
      if (this.#processes.get(process.name) === process) this.#start(process.name);
    });
  }

  // ---- faults ------------------------------------------------------------------------------------------------------

  #strike(fault: Fault): void {
    const { nowMs } = this.#timeline;
    this.#side.history.note(`fault ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case "operation":
        return this.#faults.arm(fault);
      case "crash-at":
        return this.#faults.armCrash(fault);
      case "outage":
        this.#faults.note(`${fault.service} outage`);
        return this.#faults.beginOutage(fault.service, nowMs + fault.durationMs);
      case "target-down":
        this.#faults.note("target down");
        return this.#side.target.goDown(nowMs + fault.durationMs);
      case "target-slow":
        this.#faults.note("target slow");
        return this.#side.target.goSlow(nowMs + fault.durationMs, fault.byMs);
      case "graph-slow":
        this.#faults.note("graph slow");
        this.#graphSlow = { untilMs: nowMs + fault.durationMs, byMs: fault.byMs };
        return;
      case "lose-lock":
      case "redeliver":
      case "forget-duplicates":
        return this.#disturbBroker(fault);
      case "crash":
      case "stop":
      case "pause":
      case "clock-step":
        return this.#disturbProcess(fault);
    }
  }

  #disturbBroker(
    fault: Extract<Fault, { kind: "lose-lock" | "redeliver" | "forget-duplicates" }>,
  ): void {
    const queues = [...this.#broker.queues.values()];
    const pick = (count: number): number => this.#random.between(0, count - 1);
    this.#faults.note(fault.kind);
    if (fault.kind === "forget-duplicates") for (const queue of queues) queue.forgetDuplicates();
    else if (fault.kind === "redeliver")
      this.#random.pick(queues).redeliverSettled(pick, fault.delayMs);
    else for (const queue of queues) queue.loseOne(pick, fault.told);
  }

  #disturbProcess(
    fault: Extract<Fault, { kind: "crash" | "stop" | "pause" | "clock-step" }>,
  ): void {
    const process = this.#processes.get(fault.process);
    if (process?.running !== true) return;
    this.#faults.note(fault.kind);
    if (fault.kind === "crash") return this.#kill(process, fault.durationMs);
    if (fault.kind === "clock-step") return process.stepClock(fault.byMs);
    if (fault.kind === "pause") {
      process.pause();
      this.#timeline.after(fault.durationMs, () => process.resume());
      return;
    }
    const agent = this.#agents.get(fault.process);
    void agent?.stop("simulated").then(() => {
      process.kill();
      this.#timeline.after(fault.durationMs, () => {
        if (this.#processes.get(process.name) === process) this.#start(process.name);
      });
    });
  }

  /** No fault strikes from here on, and the world must come to rest. */
  #heal(): void {
    this.#healed = true;
    this.#faults.heal();
    this.#side.target.heal();
    this.#intrusion?.end();
    this.#people.heal();
    this.#graphSlow = { untilMs: 0, byMs: 0 };
    for (const process of this.#processes.values()) {
      process.setSkew(0);
      process.resume();
    }
    this.#side.history.note("healed");
    const longestMs = this.#plan.hostile ? LONGEST_HOSTILE_REST_MS : LONGEST_REST_MS;
    const deadlineMs = this.#timeline.nowMs + longestMs;
    const look = (): void => {
      this.#problems = this.#look();
      this.#finished = this.#problems.length === 0 || this.#timeline.nowMs > deadlineMs;
      if (!this.#finished) this.#timeline.after(CHECK_MS, look);
    };
    this.#timeline.after(2 * this.#plan.tickMs, look);
  }

  #look(): readonly string[] {
    const intrusion = this.#intrusion;
    const world = (side: Side): Omit<World, "definition" | "released"> => ({
      nowMs: this.#timeline.nowMs,
      group: side.place.group,
      graph: this.#graph,
      stores: this.#stores,
      broker: this.#broker,
      target: side.target,
      history: side.history,
      excused: (cycleId) => intrusion?.excused(side, cycleId) ?? 0,
      bygone: intrusion?.annex === side ? intrusion.bygone : new Set(),
    });
    const { definition: people, annexDefinition, released } = this.#people;
    const problems = checkWorld({ ...world(this.#side), definition: people, released });
    if (intrusion === undefined || problems.length > 0) return problems;
    const { annex } = intrusion;
    return [
      ...checkWorld({ ...world(annex), definition: annexDefinition, released: 0 }),
      ...intrusion.problems(),
    ];
  }
}
