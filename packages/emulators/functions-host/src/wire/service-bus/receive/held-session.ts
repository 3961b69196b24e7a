/**
 * One accepted session. Serving -> ending (what runs is finished, nothing new begins) -> over, with the session free
 * for others. It ends by itself when nothing came for sessionIdleTimeout, when the link is gone (the SDK does not say so
 * when the connection breaks, hence the look every LOOK_MS), or when the SDK stops renewing its lock.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBusSessionReceiver } from "@azure/service-bus";
import type { ServiceBusOptions } from "../../../engine/config/host-json";
import type { ReportError } from "./intake";
import type { MessageRunner } from "./message-runner";
import { MAX_CREDIT, Pump } from "./pump";

const LOOK_MS = 100;

export class HeldSession {
  readonly #receiver: ServiceBusSessionReceiver;
  readonly #options: ServiceBusOptions;
  readonly #report: ReportError;
  readonly #pump: Pump;
  readonly #credit: number;
  readonly #ending = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(
    receiver: ServiceBusSessionReceiver,
    many: boolean,
    options: ServiceBusOptions,
    runner: MessageRunner,
    report: ReportError,
  ) {
    this.#receiver = receiver;
    this.#options = options;
    this.#report = report;
    const calls = many ? options.maxMessageBatchSize : options.maxConcurrentCallsPerSession;
    this.#credit = Math.min(calls + options.prefetchCount, MAX_CREDIT);
    this.#pump = new Pump(
      {
        concurrentCalls: many ? 1 : calls,
        minBatchSize: many ? options.minMessageBatchSize : 1,
        maxBatchSize: many ? options.maxMessageBatchSize : 1,
        maxBatchWaitMs: options.maxBatchWaitTime,
        // Closing the session frees what was not begun, without counting a delivery.
        giveBack: false,
      },
      runner,
      receiver,
    );
  }

  get idleMs(): number {
    return this.#pump.idleMs;
  }

  /** Resolves when the session is over. */
  async serve(): Promise<void> {
    const { sessionIdleTimeout, maxAutoLockRenewalDuration } = this.#options;
    const { signal } = this.#ending;
    const startedAt = performance.now();
    const lookMs = Math.max(Math.min(sessionIdleTimeout, LOOK_MS), 1);
    this.#receiver.subscribe(
      {
        processMessage: this.#pump.receive,
        processError: async (args) => this.#report(args),
      },
      { maxConcurrentCalls: this.#credit, autoCompleteMessages: false },
    );
    while (!signal.aborted && !this.#receiver.isClosed) {
      if (this.#pump.idleMs >= sessionIdleTimeout) break;
      const renewed = maxAutoLockRenewalDuration > 0;
      if (renewed && performance.now() - startedAt >= maxAutoLockRenewalDuration) break;
      await delay(lookMs, undefined, { signal }).catch(() => undefined);
    }
    await this.end();
  }

  /** Finishes what runs and lets the session go. */
  end(): Promise<void> {
    this.#ending.abort();
    this.#ended ??= this.#pump.close().then(() => this.#receiver.close());
    return this.#ended;
  }

  /** Lets the session go at once, with what runs unsettled. */
  async drop(): Promise<void> {
    this.#ending.abort();
    await this.#receiver.close();
  }
}
