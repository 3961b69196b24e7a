/**
 * Runs one target: its breaker, its probes, and the slots that take lanes from its queue.
 *
 * Each slot waits until the breaker admits it, waits for a lane, works it, and starts over. When the breaker opens,
 * every lane of the target is given back after its current unit, and the slots wait. A target never waits for another:
 * each has its own loop, slots and breaker.
 */
import { clip, limits, type TargetHealth, type TargetName } from "@postern/contracts";
import { masked } from "@postern/input";
import {
  type Clock,
  endWait,
  failuresEach,
  type Logger,
  OutageError,
  outagePauseMs,
  type RandomSource,
  startDeadline,
  timestamp,
  untilAborted,
} from "@postern/runtime";
import type { TargetPort } from "../ports/agent-ports";
import type { Broker, LaneSession } from "../ports/broker";
import {
  type Breaker,
  type BreakerEvent,
  type BreakerState,
  newBreaker,
  probePauseMs,
  slotsAdmitted,
  stepBreaker,
} from "./target-breaker";
import { type LaneEnd, type LaneWorld, runLane } from "../lanes/lane-runner";
import { LaneSlots } from "../lanes/lane-slots";

export interface TargetLoopDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly broker: Broker;
  readonly log: Logger;
  readonly target: TargetPort;
  readonly queue: string;
  readonly slots: number;
  readonly probeTimeoutMs: number;
  /** A target that has completed no unit for this long is probed again, so that its health is never outdated. */
  readonly probeIdleMs: number;
  readonly lane: Omit<LaneWorld, "slots" | "itemsPerMessage" | "log" | "onItemsFinished">;
}

export class TargetLoop {
  readonly name: TargetName;
  readonly #dependencies: TargetLoopDependencies;
  readonly #world: LaneWorld;
  #breaker: Breaker = newBreaker;
  #reason: string | undefined = "not probed yet";
  #probedAtMs: number;
  #provenAtMs: number;
  #lanesHeld = 0;
  #itemsFinished = 0;
  #outages = 0;
  /** Aborted, and replaced, when the lanes that are held now must be given back. */
  #rest = new AbortController();
  #changed = new Set<() => void>();

  constructor(name: TargetName, dependencies: TargetLoopDependencies) {
    this.name = name;
    this.#dependencies = dependencies;
    this.#probedAtMs = dependencies.clock.wallMs();
    this.#provenAtMs = dependencies.clock.monotonicMs();
    this.#world = {
      ...dependencies.lane,
      log: dependencies.log,
      slots: new LaneSlots(dependencies.slots),
      itemsPerMessage: undefined,
      onItemsFinished: (items) => {
        this.#itemsFinished += items;
      },
    };
  }

  get lanesHeld(): number {
    return this.#lanesHeld;
  }

  /** Items whose report the broker has accepted. */
  get itemsFinished(): number {
    return this.#itemsFinished;
  }

  health(): TargetHealth {
    const { state } = this.#breaker;
    return {
      name: this.name,
      connector: this.#dependencies.target.kind,
      state: healthStates[state],
      ...(state === "closed" || this.#reason === undefined ? {} : { reason: this.#reason }),
      probedAt: timestamp(this.#probedAtMs),
    };
  }

  /** Returns when `stop` is aborted and every lane is closed; `cut` cuts off the current units. */
  async run(stop: AbortSignal, cut: AbortSignal): Promise<void> {
    const onStop = (): void => this.#notify();
    stop.addEventListener("abort", onStop);
    const slots = Array.from({ length: this.#dependencies.slots }, (_, slot) =>
      this.#slot(slot, stop, cut),
    );
    await Promise.all([this.#probe(stop), ...slots]);
    stop.removeEventListener("abort", onStop);
  }

  async #slot(slot: number, stop: AbortSignal, cut: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const admitted = slot < slotsAdmitted(this.#breaker, this.#dependencies.slots);
      if (!admitted || !this.#world.slots.mayAsk()) {
        await this.#nextChange(stop);
        continue;
      }
      const session = await this.#accept(stop);
      if (session === undefined) continue;
      // The breaker may have opened while the slot waited. Then no message is requested, and no delivery is counted.
      if (stop.aborted || slot >= slotsAdmitted(this.#breaker, this.#dependencies.slots)) {
        await session.close();
        continue;
      }
      this.#lanesHeld += 1;
      try {
        await this.#afterLane(await this.#work(session, stop, cut), stop);
      } finally {
        this.#lanesHeld -= 1;
      }
    }
  }

  async #work(session: LaneSession, stop: AbortSignal, cut: AbortSignal): Promise<LaneEnd> {
    const period = new AbortController();
    const rest = this.#rest.signal;
    const end = (): void => endWait(period);
    stop.addEventListener("abort", end);
    rest.addEventListener("abort", end);
    if (stop.aborted || rest.aborted) end();
    try {
      return await runLane(
        session,
        { stop: period.signal, cut, onUnitDone: () => this.#unitDone() },
        this.#world,
      );
    } finally {
      stop.removeEventListener("abort", end);
      rest.removeEventListener("abort", end);
    }
  }

  async #accept(stop: AbortSignal): Promise<LaneSession | undefined> {
    this.#world.slots.startAsking();
    try {
      const session = await this.#dependencies.broker.acceptLane(this.#dependencies.queue, stop);
      this.#serviceAnswers();
      return session;
    } catch (error) {
      if (!(error instanceof OutageError)) throw error;
      if (!stop.aborted) await this.#pauseForOutage(error, stop);
      return undefined;
    } finally {
      this.#world.slots.stopAsking();
      this.#notify();
    }
  }

  async #afterLane(end: LaneEnd, stop: AbortSignal): Promise<void> {
    switch (end.kind) {
      case "share":
      case "idle":
      case "stopped":
        return;
      case "lost":
        this.#dependencies.log.warn("lane.lost", { queue: this.#dependencies.queue });
        return;
      case "target-down":
        this.#step("target-down", end.failure.message);
        return;
      case "outage":
        await this.#pauseForOutage(end.error, stop);
        return;
      case "fault":
        throw end.error;
    }
  }

  async #pauseForOutage(error: OutageError, stop: AbortSignal): Promise<void> {
    this.#outages += 1;
    // One line per outage, not per try: the log of a night offline stays readable.
    if (this.#outages === 1) {
      this.#dependencies.log.warn("cloud-service.failed", {
        service: error.service,
        code: error.code,
        queue: this.#dependencies.queue,
        reason: error.message,
      });
    }
    const failures = failuresEach(this.#outages, this.#world.slots.mostAsking);
    await this.#dependencies.clock.sleep(
      outagePauseMs(failures, this.#dependencies.random.next(), error.retryAfterMs),
      stop,
    );
  }

  #serviceAnswers(): void {
    if (this.#outages === 0) return;
    this.#dependencies.log.info("cloud-service.recovered", {
      queue: this.#dependencies.queue,
      failedTries: this.#outages,
    });
    this.#outages = 0;
  }

  async #probe(stop: AbortSignal): Promise<void> {
    const { clock, random, target, probeTimeoutMs, probeIdleMs } = this.#dependencies;
    while (!stop.aborted) {
      const { state } = this.#breaker;
      if (state === "half-open") {
        await this.#nextChange(stop);
        continue;
      }
      if (state === "closed") {
        const restMs = probeIdleMs - (clock.monotonicMs() - this.#provenAtMs);
        if (restMs > 0) {
          await this.#nextChange(stop, restMs);
          continue;
        }
      }
      const deadline = startDeadline(clock, probeTimeoutMs, stop);
      const probed = await Promise.race([
        target.probe({ signal: deadline.signal }).catch((error: unknown) => failedProbe(error)),
        untilAborted(deadline.signal).then(() =>
          failedProbe(new Error(`no answer within ${probeTimeoutMs} ms`)),
        ),
      ]);
      deadline.end();
      if (stop.aborted) return;
      this.#probedAtMs = clock.wallMs();
      if (probed.reachable) {
        this.#provenAtMs = clock.monotonicMs();
        this.#step("probe-passed", probed.product);
      } else {
        this.#step(state === "closed" ? "target-down" : "probe-failed", probed.reason);
        await clock.sleep(probePauseMs(this.#breaker, random.next()), stop);
      }
    }
  }

  #unitDone(): void {
    this.#provenAtMs = this.#dependencies.clock.monotonicMs();
    if (this.#breaker.state === "half-open") this.#step("unit-done", undefined);
  }

  /** The only place where the breaker changes. */
  #step(event: BreakerEvent, reason: string | undefined): void {
    const before = this.#breaker;
    const after = stepBreaker(before, event);
    if (after === before) return;
    this.#breaker = after;
    if (event === "target-down" || event === "probe-failed")
      this.#reason = reason === undefined ? undefined : clip(masked(reason), limits.failureChars);
    if (after.state === before.state) return;
    this.#dependencies.log.info("breaker.changed", {
      from: before.state,
      to: after.state,
      on: event,
      reason,
    });
    if (after.state === "open") {
      this.#rest.abort();
      this.#rest = new AbortController();
    }
    this.#notify();
  }

  #notify(): void {
    const waiting = this.#changed;
    this.#changed = new Set();
    for (const wake of waiting) wake();
  }

  async #nextChange(stop: AbortSignal, atMostMs?: number): Promise<void> {
    if (stop.aborted) return;
    const change = new Promise<void>((resolve) => this.#changed.add(resolve));
    if (atMostMs === undefined) return change;
    const timer = new AbortController();
    await Promise.race([change, this.#dependencies.clock.sleep(atMostMs, timer.signal)]);
    endWait(timer);
  }
}

const healthStates: Readonly<Record<BreakerState, TargetHealth["state"]>> = {
  unproven: "unreachable",
  closed: "reachable",
  open: "unreachable",
  "half-open": "half-open",
};

function failedProbe(error: unknown): { reachable: false; reason: string; product?: undefined } {
  return { reachable: false, reason: error instanceof Error ? error.message : String(error) };
}
