/** Receives from a queue without sessions, or from a dead-letter queue, through the SDK's streaming receiver. */
import type { ServiceBusClient, ServiceBusReceiver } from "@azure/service-bus";
import type { ServiceBusOptions } from "../../../engine/config/host-json";
import type { Intake, ReportError } from "./intake";
import { whileRenewing } from "./lock-renewal";
import type { MessageRunner } from "./message-runner";
import { MAX_CREDIT, Pump } from "./pump";
import { createQueueReceiver } from "./queue-path";

export class QueueIntake implements Intake {
  readonly #receiver: ServiceBusReceiver;
  readonly #pump: Pump;
  readonly #credit: number;
  readonly #longestLockMs: number;
  readonly #report: ReportError;
  #subscription: { close(): Promise<void> } | undefined;

  constructor(
    client: ServiceBusClient,
    queue: string,
    many: boolean,
    options: ServiceBusOptions,
    runner: MessageRunner,
    report: ReportError,
  ) {
    this.#receiver = createQueueReceiver(client, queue);
    this.#longestLockMs = options.maxAutoLockRenewalDuration;
    this.#report = report;
    const calls = many ? options.maxMessageBatchSize : options.maxConcurrentCalls;
    this.#credit = Math.min(calls + options.prefetchCount, MAX_CREDIT);
    this.#pump = new Pump(
      {
        concurrentCalls: many ? 1 : options.maxConcurrentCalls,
        minBatchSize: many ? options.minMessageBatchSize : 1,
        maxBatchSize: many ? options.maxMessageBatchSize : 1,
        maxBatchWaitMs: options.maxBatchWaitTime,
        giveBack: true,
      },
      runner,
      this.#receiver,
    );
  }

  get idleMs(): number {
    return this.#pump.idleMs;
  }

  start(): void {
    this.#subscription = this.#receiver.subscribe(
      {
        processMessage: (message) =>
          whileRenewing(this.#receiver, message, this.#longestLockMs, () =>
            this.#pump.receive(message),
          ),
        processError: async (args) => this.#report(args),
      },
      { maxConcurrentCalls: this.#credit, autoCompleteMessages: false },
    );
  }

  async drain(): Promise<void> {
    // Stopping the subscription leaves the link open, so that messages in hand can still be settled.
    await Promise.all([this.#subscription?.close(), this.#pump.close()]);
  }

  async close(): Promise<void> {
    await this.#receiver.close();
  }
}
