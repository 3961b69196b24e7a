/**
 * Works one held lane until it is given up: forms units from what was delivered, and runs them one after another, while
 * reports and settlements of earlier units go on in parallel.
 *
 * A lane ends because its share is used, it is idle, the target is down, a cloud service fails, the lock is lost, or
 * the agent stops. It is always closed, and unsettled messages go back without a delivery being counted. A message is
 * settled only after its report was accepted, and reported only when every item of it has a verdict.
 */
import type { TargetFailure } from "@postern/connectors";
import {
  limits,
  agentPoint,
  clip,
  eventAttribute,
  type Lane,
  type WorkMessageResult,
} from "@postern/contracts";
import {
  asksBeforeUnit,
  creditsFor,
  decideLane,
  type LaneLimits,
  nextItemsPerMessage,
  wantsMore,
} from "./lane-policy";
import { endWait, type Logger, OutageError, spanCauses, type Tracing } from "@postern/runtime";
import type { DeadLetterReason, Delivery, LaneSession } from "../ports/broker";
import { parkedMessageOf } from "./parking";
import { reportOf } from "../reports/report";
import { formUnit, type ReadDelivery, type Unit } from "../units/unit-forming";
import { countVerdicts, type Verdict } from "../units/verdict";
import { waitingReasons } from "../units/waiting-reasons";
import { readWork, type WorkAddress, type WorkTypes } from "./work-reader";
import type { ResultSource } from "../reports/result-packing";
import type { HeldLane, LaneSlots } from "./lane-slots";
import type { Reporter } from "../reports/reporter";
import { runUnit, type UnitDependencies, type UnitResult } from "../units/unit-runner";

/** Shared by the lanes of one target. */
export interface LaneWorld {
  readonly limits: LaneLimits;
  readonly address: Omit<WorkAddress, "sessionId">;
  readonly source: ResultSource;
  readonly types: WorkTypes;
  readonly unit: UnitDependencies;
  readonly reporter: Reporter;
  readonly tracing: Tracing;
  readonly log: Logger;
  readonly slots: LaneSlots;
  itemsPerMessage: number | undefined;
  readonly onItemsFinished: (items: number) => void;
}

export interface LaneSignals {
  /** Take no further unit. */
  readonly stop: AbortSignal;
  /** Cut off the unit in hand. */
  readonly cut: AbortSignal;
  /** Called when a unit was completed, whatever its verdicts: it shows that the target answers. */
  readonly onUnitDone: () => void;
}

export type LaneEnd =
  | { readonly kind: "share" | "idle" | "stopped" | "lost" }
  | { readonly kind: "target-down"; readonly failure: TargetFailure }
  | { readonly kind: "outage"; readonly error: OutageError }
  /** A broken assumption in the agent's own code, which waiting cannot cure. */
  | { readonly kind: "fault"; readonly error: unknown };

/** Reports and settlements in parallel with the current unit; more would only hide a slow broker. */
const MOST_FINISHING = 4;

export async function runLane(
  session: LaneSession,
  signals: LaneSignals,
  world: LaneWorld,
): Promise<LaneEnd> {
  const run = new LaneRun(session, signals, world);
  return run.untilGivenUp();
}

class LaneRun {
  readonly #session: LaneSession;
  readonly #signals: LaneSignals;
  readonly #world: LaneWorld;
  readonly #address: WorkAddress;
  readonly #credits: number;
  readonly #waiting: ReadDelivery[] = [];
  readonly #finishing = new Set<Promise<void>>();
  readonly #over = new AbortController();
  #end: LaneEnd | undefined;
  #wake: () => void = () => undefined;
  readonly #held: HeldLane = { wake: () => this.#wake() };
  #itemsTaken = 0;
  #itemsDelivered = 0;
  #closed = false;

  constructor(session: LaneSession, signals: LaneSignals, world: LaneWorld) {
    this.#session = session;
    this.#signals = signals;
    this.#world = world;
    this.#address = { ...world.address, sessionId: session.sessionId };
    this.#credits = creditsFor(world.itemsPerMessage);
  }

  async untilGivenUp(): Promise<LaneEnd> {
    const { clock } = this.#world.unit;
    const heldSince = clock.monotonicMs();
    const onStop = (): void => this.#wake();
    this.#signals.stop.addEventListener("abort", onStop);
    this.#session.lost.addEventListener("abort", onStop);
    const onCut = (): void => this.#over.abort(this.#signals.cut.reason);
    this.#signals.cut.addEventListener("abort", onCut);
    const onLost = (): void => this.#over.abort(this.#session.lost.reason);
    this.#session.lost.addEventListener("abort", onLost);
    if (this.#signals.cut.aborted) onCut();
    if (this.#session.lost.aborted) onLost();
    try {
      this.#session.subscribe(this.#credits, (delivery) => this.#onDelivery(delivery));
      let idleSince = heldSince;
      while (this.#end === undefined) {
        if (this.#session.lost.aborted) this.#end = { kind: "lost" };
        else if (this.#signals.stop.aborted || this.#signals.cut.aborted) {
          this.#end = { kind: "stopped" };
        } else {
          const nowMs = clock.monotonicMs();
          const busy = this.#waiting.length > 0;
          if (busy) this.#world.slots.markWorking(this.#held);
          else this.#world.slots.markIdle(this.#held);
          const decision = decideLane(
            {
              itemsTaken: this.#itemsTaken,
              heldMs: nowMs - heldSince,
              idleMs: busy ? 0 : nowMs - idleSince,
              wanted: this.#world.slots.isWanted(this.#held),
            },
            this.#world.limits,
          );
          if (decision.kind === "give-up") this.#end = { kind: decision.because };
          else if (busy) {
            await this.#nextUnit();
            idleSince = clock.monotonicMs();
          } else await this.#untilWoken(decision.forMs);
        }
      }
      await this.#unlessOver(Promise.all(this.#finishing));
      return this.#end;
    } finally {
      this.#closed = true;
      this.#world.slots.endLane(this.#held);
      this.#signals.stop.removeEventListener("abort", onStop);
      this.#signals.cut.removeEventListener("abort", onCut);
      try {
        await this.#session.close();
      } finally {
        this.#world.slots.confirmClosed();
      }
    }
  }

  #onDelivery(delivery: Delivery): void {
    if (this.#closed || this.#end !== undefined) return;
    const reading = readWork(delivery, this.#address, this.#world.types);
    if (reading.kind === "work") {
      const items = reading.message.items.length;
      this.#itemsDelivered += items;
      this.#world.itemsPerMessage = nextItemsPerMessage(this.#world.itemsPerMessage, items);
      this.#waiting.push({ delivery, message: reading.message });
      this.#wake();
      return;
    }
    if (reading.kind === "unknown-major") this.#finish(this.#park(delivery, reading));
    else this.#finish(this.#discard(delivery, reading.reason));
  }

  /**
   * Settles the message once the cloud has it, so that no deliveries are used up on a message that another agent will
   * read.
   */
  async #park(
    delivery: Delivery,
    { type, reason }: { readonly type: string; readonly reason: string },
  ): Promise<void> {
    const { source, reporter, log, unit } = this.#world;
    const { target, sessionId } = this.#address;
    const unknown = { target, sessionId, type, reason };
    const parked = parkedMessageOf(delivery, unknown, source, unit.clock.wallMs());
    if (parked === undefined) {
      const text = `${reason} It is too large to be kept, or not JSON, so replay the dead letter then.`;
      await this.#discard(delivery, { code: "message-type-unknown", text });
      return;
    }
    log.warn("message.parked", { lane: sessionId, messageId: delivery.messageId, type });
    await reporter.park(parked);
    await this.#session.complete(delivery);
    delivery.returnCredit();
  }

  async #discard(delivery: Delivery, reason: DeadLetterReason): Promise<void> {
    this.#world.log.warn("message.dead-lettered", {
      lane: this.#session.sessionId,
      messageId: delivery.messageId,
      code: reason.code,
      reason: clip(reason.text, limits.loggedReasonChars),
    });
    await this.#session.deadLetter(delivery, reason);
    delivery.returnCredit();
  }

  async #untilWoken(forMs: number): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([woken, this.#world.unit.clock.sleep(forMs, timer.signal)]);
    endWait(timer);
    this.#wake = () => undefined;
  }

  async #nextUnit(): Promise<void> {
    const unit = formUnit(this.#waiting);
    // Reports and settles before a suspect may end the process, and the suspect before the next unit: finished work
    // must not come again.
    const { suspects } = this.#world.unit;
    const isCareful = (): boolean => unit.alone || suspects?.careful === true;
    if (isCareful()) await this.#unlessOver(Promise.all(this.#finishing));
    const asksFirst = asksBeforeUnit(this.#waiting.length, this.#credits);
    this.#waiting.splice(0, unit.messages.length);
    this.#itemsTaken += unit.itemCount;
    if (asksFirst) this.#returnCredits(unit);
    const parents = unit.messages.map(({ delivery }) =>
      eventAttribute(delivery.properties, "traceparent"),
    );
    await this.#world.tracing.span("apply unit", spanCauses(parents), async (span) => {
      const began = this.#world.unit.clock.monotonicMs();
      let result: UnitResult;
      try {
        await suspects?.ready();
        result = await runUnit(
          unit,
          this.#session.sessionId as Lane,
          { signal: this.#over.signal, isHeld: this.#session.isHeld },
          this.#world.unit,
        );
      } catch (error) {
        this.#failed(error);
        return;
      }
      if (!asksFirst) this.#returnCredits(unit);
      const counts = countVerdicts(result.verdicts.flat());
      const fields = {
        lane: this.#session.sessionId,
        messages: unit.messages.length,
        items: unit.itemCount,
        ...counts,
        careful: isCareful(),
        durationMs: Math.round(this.#world.unit.clock.monotonicMs() - began),
        ledgerMs: Math.round(result.ledgerMs),
        targetMs: Math.round(result.targetMs),
      };
      this.#world.log.info("unit.finished", fields);
      for (const waiting of waitingReasons(unit, result.verdicts)) {
        this.#world.log.warn("item.deferred", { lane: this.#session.sessionId, ...waiting });
      }
      span.set({
        "postern.lane": this.#session.sessionId,
        "postern.messages": unit.messages.length,
        "postern.items": unit.itemCount,
      });
      if (result.targetDown !== undefined) {
        this.#end = { kind: "target-down", failure: result.targetDown };
      } else this.#signals.onUnitDone();
      this.#finish(this.#reportAndSettle(unit, result.verdicts, span.traceparent ?? parents[0]));
    });
    if (isCareful()) await this.#unlessOver(Promise.all(this.#finishing));
    while (this.#finishing.size >= MOST_FINISHING && !this.#over.signal.aborted) {
      await this.#unlessOver(Promise.race(this.#finishing));
    }
  }

  #returnCredits(unit: Unit): void {
    for (const { delivery } of unit.messages) {
      if (wantsMore(this.#itemsDelivered, this.#world.limits)) delivery.returnCredit();
    }
  }

  async #reportAndSettle(
    unit: Unit,
    verdicts: readonly (readonly Verdict[])[],
    traceparent: string | undefined,
  ): Promise<void> {
    const nowMs = this.#world.unit.clock.wallMs();
    const results: WorkMessageResult[] = [];
    const finished: ReadDelivery[] = [];
    let deliveries = "";
    let items = 0;
    for (const [index, entry] of unit.messages.entries()) {
      const ofMessage = verdicts[index] ?? [];
      if (ofMessage.some(({ kind }) => kind === "undone")) continue;
      finished.push(entry);
      items += ofMessage.length;
      deliveries += `${entry.message.messageId} ${entry.delivery.deliveryCount}\n`;
      results.push(
        ...reportOf(entry.message, ofMessage, {
          agent: this.#world.source.agent,
          nowMs,
          traceparent: traceparent ?? eventAttribute(entry.delivery.properties, "traceparent"),
        }),
      );
    }
    if (finished.length === 0) return;
    agentPoint("before-report");
    await this.#world.reporter.report({ results, deliveries }, traceparent);
    agentPoint("after-report");
    // Counted here: once the report is accepted the outcome stands, even if the settlement is lost.
    this.#world.onItemsFinished(items);
    agentPoint("before-settle");
    await Promise.all(finished.map(({ delivery }) => this.#session.complete(delivery)));
    agentPoint("after-settle");
  }

  /** Waits for work, but not beyond the end of the lane: the SDK takes a minute to end settlements of a lost link. */
  async #unlessOver(work: Promise<unknown>): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return;
    let over: () => void = () => undefined;
    const aborted = new Promise<void>((resolve) => {
      over = resolve;
      signal.addEventListener("abort", over, { once: true });
    });
    await Promise.race([work, aborted]);
    signal.removeEventListener("abort", over);
  }

  #finish(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#finishing.delete(tracked);
      });
    this.#finishing.add(tracked);
  }

  #failed(error: unknown): void {
    if (this.#end?.kind === "fault" || this.#end?.kind === "outage") return;
    if (!(error instanceof OutageError)) this.#end = { kind: "fault", error };
    else if (this.#session.lost.aborted || error.code === "lock-lost") this.#end = { kind: "lost" };
    else if (this.#signals.cut.aborted) this.#end = { kind: "stopped" };
    else this.#end = { kind: "outage", error };
    this.#wake();
  }
}
