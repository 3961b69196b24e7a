/**
 * One accepted session. Serving -> ending (running invocations finish, nothing new begins) -> over, with the session
 * free for others. It ends on its own when nothing came for sessionIdleTimeout, when the link is gone (the SDK does not
 * report this when the connection breaks, hence the check every CHECK_MS), or when the SDK stops renewing the session's
 * lock.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBusSessionReceiver } from "@azure/service-bus";
import type { ServiceBusOptions } from "../../../engine/config/host-json";
import type { ReportError } from "./intake";
import type { MessageRunner } from "./message-runner";
import { MAX_CREDIT, Pump } from "./pump";

const CHECK_MS = 100;

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
        // Closing the session frees waiting messages without counting a delivery.
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
    const checkMs = Math.max(Math.min(sessionIdleTimeout, CHECK_MS), 1);
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
      await delay(checkMs, undefined, { signal }).catch(() => undefined);
    }
    await this.end();
  }

  /** Waits for running invocations and releases the session. */
  end(): Promise<void> {
    this.#ending.abort();
    this.#ended ??= this.#pump.close().then(() => this.#receiver.close());
    return this.#ended;
  }

  /** Releases the session immediately, with its messages unsettled. */
  async drop(): Promise<void> {
    this.#ending.abort();
    await this.#receiver.close();
  }
}
