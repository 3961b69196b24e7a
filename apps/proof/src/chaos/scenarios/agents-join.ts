/**
 * Two and four agents share one queue: they join, leave, are killed and stand still while others work.
 *
 * A round: two agents all up, then four all up (the share of each is measured), then a time of joining, leaving,
 * killing and stopping. Failover is from the moment at which an agent was killed or stopped to the next unit in a lane
 * that it held; it is read from the agents' logs afterwards.
 */
import path from "node:path";
import type { ChaosStage } from "../stage/chaos-stage";
import { lockMs } from "../stage/stage-parts";
import { median } from "../../kit/median";
import type { ScenarioResult } from "./scenario";
import { loggedUnits, type LoggedUnit } from "../stage/unit-log";

const ALL_UP_MS = 15_000;
/** Lanes that a newcomer has not had a chance to get yet do not count against anyone. */
const SETTLE_MS = 6_000;
const UNREST_STEPS = 4;
const MOST_UNEVEN = 1.5;
/** Work of its last moment: lanes with a unit in this time before the end were held. */
const HELD_WITHIN_MS = 1_000;
const STOP_BEYOND_LOCK_MS = [500, 3_000] as const;

interface Window {
  readonly agents: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Loss {
  readonly agent: string;
  readonly how: "kill" | "stop";
  readonly atMs: number;
}

export async function agentsJoin(stage: ChaosStage, seconds: number): Promise<ScenarioResult> {
  const run = new AgentsRun(stage);
  return run.run(seconds);
}

class AgentsRun {
  readonly #stage: ChaosStage;
  readonly #windows: Window[] = [];
  readonly #losses: Loss[] = [];
  readonly #up: Set<string>;
  #joins = 0;
  #leaves = 0;

  constructor(stage: ChaosStage) {
    this.#stage = stage;
    this.#up = new Set(stage.agentNames);
  }

  async run(seconds: number): Promise<ScenarioResult> {
    const stage = this.#stage;
    const began = performance.now();
    const auditedBefore = await stage.target.auditCount();
    stage.workload.start();
    do {
      await this.#exactly(2);
      await this.#allUp();
      await this.#exactly(4);
      await this.#allUp();
      await this.#unrest();
      stage.say(
        `${Math.round((performance.now() - began) / 1_000)} s: ${stage.workload.changes} changes, ${(await stage.target.auditCount()) - auditedBefore} writes, ${this.#joins} joined, ${this.#leaves} left, ${this.#losses.length} killed or stopped`,
      );
    } while (performance.now() - began < seconds * 1_000 && !stage.interrupted);
    await this.#exactly(4);
    const took = (performance.now() - began) / 1_000;
    const end = await stage.finish();
    const units = stage.agentNames.flatMap((name) =>
      loggedUnits(name, path.join(stage.platform.logDirectory, `${name}.log`)),
    );
    const violations = [...end.violations];
    const shares = { "share, two agents": 0, "share, four agents": 0 };
    for (const [name, count] of [
      ["share, two agents", 2],
      ["share, four agents", 4],
    ] as const) {
      if (!this.#windows.some(({ agents }) => agents.length === count)) continue;
      shares[name] = this.#share(units, count);
      if (shares[name] > MOST_UNEVEN)
        violations.push(`${name}: the busiest did ${shares[name]} times what the least busy did`);
    }
    const failovers = this.#losses.flatMap((loss) => failoverMs(loss, units));
    return {
      seconds: Math.round(took),
      violations,
      measured: {
        ...shares,
        items: units.reduce((sum, { items }) => sum + items, 0),
        writes: (await stage.target.auditCount()) - auditedBefore,
        joined: this.#joins,
        left: this.#leaves,
        killed: this.#losses.filter(({ how }) => how === "kill").length,
        stopped: this.#losses.filter(({ how }) => how === "stop").length,
        failoverLanes: failovers.length,
        failoverMedianMs: median(failovers),
        failoverLongestMs: Math.max(0, ...failovers),
        inStepAfterMs: end.inStepAfterMs,
      },
    };
  }

  async #allUp(): Promise<void> {
    await this.#stage.pause(SETTLE_MS);
    const fromMs = Date.now();
    await this.#stage.pause(ALL_UP_MS);
    // Cut short it says nothing of shares.
    if (this.#stage.interrupted) return;
    this.#windows.push({ agents: [...this.#up], fromMs, untilMs: Date.now() });
  }

  async #exactly(count: number): Promise<void> {
    const { agentNames } = this.#stage;
    for (const name of agentNames.slice(0, count)) if (!this.#up.has(name)) await this.#join(name);
    for (const name of agentNames.slice(count)) if (this.#up.has(name)) await this.#leave(name);
  }

  async #join(name: string): Promise<void> {
    this.#stage.history.note("join", { agent: name });
    await this.#stage.startAgent(name);
    this.#up.add(name);
    this.#joins += 1;
  }

  async #leave(name: string): Promise<void> {
    this.#stage.history.note("leave", { agent: name });
    await this.#stage.platform.stopAgent(name);
    this.#up.delete(name);
    this.#leaves += 1;
  }

  async #unrest(): Promise<void> {
    const { random } = this.#stage;
    for (let step = 0; step < UNREST_STEPS && !this.#stage.interrupted; step += 1) {
      const name = random.pick(this.#stage.agentNames);
      const roll = random.next();
      if (!this.#up.has(name)) await this.#join(name);
      else if (roll < 0.35) await this.#kill(name);
      else if (roll < 0.7) await this.#stop(name);
      else if (this.#up.size > 1) await this.#leave(name);
      await this.#stage.pause(random.between(200, 2_500));
    }
  }

  async #kill(agent: string): Promise<void> {
    const pid = this.#stage.pid(agent);
    this.#losses.push({ agent, how: "kill", atMs: Date.now() });
    this.#stage.signal(agent, "SIGKILL");
    await this.#stage.runsAgain(agent, pid);
  }

  async #stop(agent: string): Promise<void> {
    this.#losses.push({ agent, how: "stop", atMs: Date.now() });
    this.#stage.signal(agent, "SIGSTOP");
    await this.#stage.pause(lockMs + this.#stage.random.between(...STOP_BEYOND_LOCK_MS));
    this.#stage.signal(agent, "SIGCONT");
  }

  /** Items of the busiest through items of the least busy, while all were up. */
  #share(units: readonly LoggedUnit[], count: number): number {
    const items = new Map<string, number>();
    for (const { agents, fromMs, untilMs } of this.#windows) {
      if (agents.length !== count) continue;
      for (const agent of agents) items.set(agent, items.get(agent) ?? 0);
      for (const unit of units)
        if (unit.atMs >= fromMs && unit.atMs < untilMs && items.has(unit.agent))
          items.set(unit.agent, (items.get(unit.agent) ?? 0) + unit.items);
    }
    const done = [...items.values()];
    return Math.round((Math.max(...done) / Math.max(1, Math.min(...done))) * 100) / 100;
  }
}

/**
 * For each lane of the lost agent: how long until a unit was finished in it again, by another agent or by itself after
 * a restart.
 */
function failoverMs(loss: Loss, units: readonly LoggedUnit[]): number[] {
  const held = new Set(
    units
      .filter(
        ({ agent, atMs }) =>
          agent === loss.agent && atMs <= loss.atMs && atMs > loss.atMs - HELD_WITHIN_MS,
      )
      .map(({ lane }) => lane),
  );
  return [...held].flatMap((lane) => {
    const next = units
      .filter((unit) => unit.lane === lane && unit.atMs > loss.atMs)
      .map(({ atMs }) => atMs - loss.atMs);
    return next.length === 0 ? [] : [Math.min(...next)];
  });
}
