/**
 * A held session, over the SDK's session receiver.
 *
 * Lock time comes from the broker: how far each renewal moves `lockedUntil`, measured on the monotonic clock, so that a
 * wall clock that is wrong or jumps neither keeps a lost lane nor drops a good one. The lane renews the lock itself:
 * the SDK's renewal only logs a failure, and spins when the wall clock is ahead of the broker's. A separate timer ends
 * the lane when its lock expires: a renewal may never be answered, and a unit in another thread does not check.
 */
import { clip } from "@postern/contracts";
import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import { type Clock, OutageError } from "@postern/runtime";
import type { DeadLetterReason, Delivery, LaneSession } from "../ports/broker";
import { textLimits } from "../ports/text-limits";
import { BusDelivery } from "./bus-delivery";
import { brokerOutage } from "./service-bus-errors";

/**
 * A lock lasts 5 s to 5 min. Any other value means that the clocks disagree; then this is assumed until the first
 * renewal.
 */
const ASSUMED_LOCK_MS = 30_000;
const LONGEST_LOCK_MS = 305_000;
const RENEW_RETRY_MS = 500;
/** The SDK waits 60 s for the confirmation of a settlement; a lane cannot wait that long. */
const LONGEST_SETTLEMENT_MS = 10_000;
const LONGEST_CLOSE_MS = 5_000;

export interface BusLaneOptions {
  readonly clock: Clock;
  /** Called once, when the lane ends for any reason. */
  readonly onOver: () => void;
  /** Called when the broker does not answer a request that it must answer. */
  readonly onHang: (what: string) => void;
}

export class BusLane implements LaneSession {
  readonly sessionId: string;
  readonly #receiver: ServiceBusSessionReceiver;
  readonly #options: BusLaneOptions;
  readonly #lost = new AbortController();
  #lockedUntilMs: number;
  #heldUntilMs: number;
  #timer: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #settling = 0;
  #lastSettledMs = 0;
  #closed = false;

  constructor(receiver: ServiceBusSessionReceiver, options: BusLaneOptions) {
    this.#receiver = receiver;
    this.#options = options;
    this.sessionId = receiver.sessionId;
    this.#lockedUntilMs = receiver.sessionLockedUntilUtc.getTime();
    const shownMs = this.#lockedUntilMs - options.clock.wallMs();
    const lockMs = shownMs > 0 && shownMs <= LONGEST_LOCK_MS ? shownMs : ASSUMED_LOCK_MS;
    this.#heldUntilMs = options.clock.monotonicMs() + lockMs;
    this.#renewIn(lockMs / 2);
    this.#expireWithLock();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  readonly isHeld = (): boolean => {
    if (this.#closed || this.#lost.signal.aborted) return false;
    if (this.#receiver.isClosed || this.#options.clock.monotonicMs() >= this.#heldUntilMs) {
      this.#lose("the session lock has run out");
      return false;
    }
    return true;
  };

  subscribe(credits: number, onDelivery: (delivery: Delivery) => void): void {
    try {
      this.#receiver.subscribe(
        {
          processMessage: (message: ServiceBusReceivedMessage) =>
            // The SDK requests one more message when this resolves. Once the lane is closed it must not: it would only
            // report an error.
            new Promise<void>((resolve) =>
              onDelivery(new BusDelivery(message, () => (this.#closed ? undefined : resolve()))),
            ),
          processError: async ({ error }) => {
            // The SDK never reconnects a session receiver: any error of its link ends it.
            if (!this.#closed) this.#lose(error.message);
          },
        },
        { autoCompleteMessages: false, maxConcurrentCalls: credits },
      );
    } catch (error) {
      // Thrown, not reported, when the link was lost after the accept.
      this.#lose(brokerOutage("subscribe", error).message);
    }
  }

  async complete(delivery: Delivery): Promise<void> {
    await this.#settle(
      "complete",
      this.#receiver.completeMessage(BusDelivery.sdkMessageOf(delivery)),
    );
  }

  async deadLetter(delivery: Delivery, reason: DeadLetterReason): Promise<void> {
    await this.#settle(
      "dead-letter",
      this.#receiver.deadLetterMessage(BusDelivery.sdkMessageOf(delivery), {
        deadLetterReason: reason.code,
        deadLetterErrorDescription: clip(reason.text, textLimits.deadLetterChars),
      }),
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
    this.#options.onOver();
    if (this.#lost.signal.aborted) {
      // The broker has the lane back, or its connection is gone: there is nothing to wait for.
      this.#receiver.close().catch(() => undefined);
      return;
    }
    const timer = setTimeout(() => this.#options.onHang("closing a lane"), LONGEST_CLOSE_MS);
    try {
      await Promise.race([
        this.#receiver.close(),
        new Promise<void>((resolve) => setTimeout(resolve, LONGEST_CLOSE_MS).unref()),
      ]);
    } catch {
      // The link is gone already, and the broker has the lane back.
    } finally {
      clearTimeout(timer);
    }
  }

  /** For the broker adapter, when it rebuilds the connection. */
  abandon(why: string): void {
    this.#lose(why);
  }

  /** Whether a settlement has been waiting for longer than any broker should need. */
  isStuck(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#settling > 0 && nowMs - this.#lastSettledMs > LONGEST_SETTLEMENT_MS;
  }

  async #settle(what: string, settlement: Promise<void>): Promise<void> {
    if (this.#settling === 0) this.#lastSettledMs = this.#options.clock.monotonicMs();
    this.#settling += 1;
    try {
      await settlement;
      this.#lastSettledMs = this.#options.clock.monotonicMs();
    } catch (error) {
      const outage = brokerOutage(what, error);
      if (outage.code === "lock-lost") this.#lose(outage.message);
      throw outage;
    } finally {
      this.#settling -= 1;
    }
  }

  #renewIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), Math.max(delayMs, RENEW_RETRY_MS));
    this.#timer.unref();
  }

  #expireWithLock(): void {
    clearTimeout(this.#expiry);
    const leftMs = this.#heldUntilMs - this.#options.clock.monotonicMs();
    this.#expiry = setTimeout(
      () => {
        // Timers may fire a little early.
        if (this.isHeld()) this.#expireWithLock();
      },
      Math.max(leftMs, 1),
    );
    this.#expiry.unref();
  }

  async #renew(): Promise<void> {
    if (!this.isHeld()) return;
    const askedMs = this.#options.clock.monotonicMs();
    try {
      const lockedUntilMs = (await this.#receiver.renewSessionLock()).getTime();
      if (this.#closed || this.#lost.signal.aborted) return;
      const movedMs = Math.max(0, lockedUntilMs - this.#lockedUntilMs);
      this.#lockedUntilMs = lockedUntilMs;
      this.#heldUntilMs = Math.min(this.#heldUntilMs + movedMs, askedMs + LONGEST_LOCK_MS);
      this.#renewIn((this.#heldUntilMs - this.#options.clock.monotonicMs()) / 2);
      this.#expireWithLock();
    } catch (error) {
      if (brokerOutage("renew", error).code === "lock-lost") this.#lose("the session lock is lost");
      else if (this.isHeld()) this.#renewIn(RENEW_RETRY_MS);
    }
  }

  #lose(why: string): void {
    if (this.#lost.signal.aborted || this.#closed) return;
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
    this.#lost.abort(new OutageError("broker", "lock-lost", why));
  }
}
