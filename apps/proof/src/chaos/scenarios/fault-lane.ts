/**
 * One source of faults, one after another, drawn from the seed: kills, stops and network faults, each ended before the
 * next begins. Several lanes at once make faults overlap; a process in the hands of one lane is left alone by the
 * others.
 */
import type { SeededRandom } from "../../kit/seeded-random";
import type { ChaosStage } from "../stage/chaos-stage";
import { lockMs } from "../stage/stage-parts";
import { faultKinds } from "../faults/fault-proxy";
import { agentPoints, cloudPoints } from "../faults/strikes";

/** A point that is not reached within this is not on the way just now: the order is taken back. */
const POINT_WITHIN_MS = 6_000;
/** Not at a named point: whenever the signal comes. */
const ANYWHERE = "anywhere";
const POINT_POLL_MS = 25;
/** A stopped agent has lost its locks before it goes on. */
const STOP_BEYOND_LOCK_MS = [300, 3_000] as const;

export interface FaultCounts {
  readonly kills: Record<string, number>;
  readonly points: Record<string, number>;
  stops: number;
  network: number;
}

export class FaultLane {
  readonly #stage: ChaosStage;
  readonly #random: SeededRandom;
  readonly #busy: Set<string>;
  readonly #counts: FaultCounts;
  readonly #untilMs: number;

  constructor(
    stage: ChaosStage,
    lane: {
      random: SeededRandom;
      busy: Set<string>;
      counts: FaultCounts;
      /** On the clock of `performance.now()`. */
      untilMs: number;
    },
  ) {
    this.#stage = stage;
    this.#random = lane.random;
    this.#busy = lane.busy;
    this.#counts = lane.counts;
    this.#untilMs = lane.untilMs;
  }

  async run(): Promise<void> {
    while (performance.now() < this.#untilMs && !this.#stage.interrupted) {
      await this.#stage.pause(this.#random.between(150, 1_500));
      const roll = this.#random.next();
      if (roll < 0.2) await this.#kill(this.#agent());
      else if (roll < 0.3) await this.#kill("functions");
      else if (roll < 0.37)
        await this.#kill(this.#random.pick(["service-bus", "service-bus", "cosmos"]));
      else if (roll < 0.47) await this.#stop(this.#agent());
      else await this.#network();
    }
  }

  #agent(): string {
    return this.#random.pick(this.#stage.agentNames);
  }

  async #kill(name: string): Promise<void> {
    const points = name === "functions" ? cloudPoints : name.startsWith("agent") ? agentPoints : [];
    // Drawn whether used or not, so that the lane goes the same way whatever the others do.
    const point = this.#random.pick([...points, ANYWHERE]);
    const hit = this.#random.between(1, 4);
    await this.#alone(name, async () => {
      const pid = this.#stage.pid(name);
      if (point === ANYWHERE) this.#stage.signal(name, "SIGKILL");
      else {
        if (!(await this.#strike(name, { point, hit, act: "kill" }))) return;
        this.#stage.noteEnded(name);
        this.#counts.points[point] = (this.#counts.points[point] ?? 0) + 1;
      }
      this.#counts.kills[name] = (this.#counts.kills[name] ?? 0) + 1;
      await this.#stage.runsAgain(name, pid);
    });
  }

  async #stop(name: string): Promise<void> {
    const point = this.#random.pick([...agentPoints, ANYWHERE]);
    const hit = this.#random.between(1, 4);
    const stoppedMs = lockMs + this.#random.between(...STOP_BEYOND_LOCK_MS);
    await this.#alone(name, async () => {
      if (point === ANYWHERE) this.#stage.signal(name, "SIGSTOP");
      else if (!(await this.#strike(name, { point, hit, act: "stop" }))) return;
      this.#counts.stops += 1;
      await this.#stage.pause(stoppedMs);
      this.#stage.signal(name, "SIGCONT");
    });
  }

  /** Gives an order and waits for it; false when the point was not reached and the order is taken back. */
  async #strike(
    name: string,
    order: { point: string; hit: number; act: "kill" | "stop" },
  ): Promise<boolean> {
    const { strikes, history } = this.#stage;
    const id = strikes.order(name, order);
    history.note("order", { process: name, id, ...order });
    const deadline = performance.now() + POINT_WITHIN_MS;
    while (performance.now() < deadline && !this.#stage.interrupted) {
      await this.#stage.pause(POINT_POLL_MS);
      if (strikes.struck(name, id)) return true;
    }
    if (!strikes.withdraw(name)) return strikes.struck(name, id);
    history.note("order-withdrawn", { process: name, id });
    return false;
  }

  async #network(): Promise<void> {
    const { connections, history } = this.#stage;
    const connection = this.#random.pick(connections.names);
    const fault = this.#random.pick(faultKinds);
    const durationMs =
      fault === "cut" || fault === "half-open" ? 200 : this.#random.between(500, 7_000);
    await this.#alone(connection, async () => {
      const proxy = connections.at(connection);
      const open = proxy.connections;
      history.note("network", { connection, fault, durationMs, open });
      this.#counts.network += 1;
      proxy.inject(fault);
      await this.#stage.pause(durationMs);
      proxy.heal();
    });
  }

  async #alone(name: string, work: () => Promise<void>): Promise<void> {
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    try {
      await work();
    } finally {
      this.#busy.delete(name);
    }
  }
}
