/**
 * Receives job messages from a queue without sessions, over the SDK's streaming receiver. The receiver is replaced
 * after an error and after a quiet time: the SDK reconnects it after most failures, but leaves it dead without notice
 * after some.
 */
import { limits, clip } from "@postern/contracts";
import type { ServiceBusClient, ServiceBusReceiver } from "@azure/service-bus";
import type { Clock, Logger } from "@postern/runtime";
import type { DeadLetterReason, Delivery, JobSource } from "../ports/broker";
import { textLimits } from "../ports/text-limits";
import { BusDelivery } from "./bus-delivery";
import { brokerOutage } from "./service-bus-errors";

const REOPEN_AFTER_ERROR_MS = 2_000;
const REOPEN_WHEN_QUIET_MS = 120_000;
/** A lease takes a request or two; the lock needs no renewal beyond this. */
const LONGEST_LEASING_MS = 120_000;
const LONGEST_END_MS = 2_000;

interface Subscription {
  readonly close: () => Promise<void>;
}

export interface BusJobSourceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly client: () => ServiceBusClient;
  readonly queue: string;
  readonly maxInFlight: number;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly onClosed: () => void;
}

export class BusJobSource implements JobSource {
  readonly #options: BusJobSourceOptions;
  readonly #owners = new WeakMap<Delivery, ServiceBusReceiver>();
  #receiver: ServiceBusReceiver | undefined;
  #timer: NodeJS.Timeout | undefined;
  #inHand = 0;
  #subscription: Subscription | undefined;
  #stopped = false;
  #closed = false;
  #inOutage = false;

  constructor(options: BusJobSourceOptions) {
    this.#options = options;
    this.#open();
  }

  async complete(delivery: Delivery): Promise<void> {
    await this.#settle(delivery, "complete", (receiver, message) =>
      receiver.completeMessage(message),
    );
  }

  async abandon(delivery: Delivery): Promise<void> {
    await this.#settle(delivery, "abandon", (receiver, message) =>
      receiver.abandonMessage(message),
    );
  }

  async deadLetter(delivery: Delivery, reason: DeadLetterReason): Promise<void> {
    await this.#settle(delivery, "dead-letter", (receiver, message) =>
      receiver.deadLetterMessage(message, {
        deadLetterReason: reason.code,
        deadLetterErrorDescription: clip(reason.text, textLimits.deadLetterChars),
      }),
    );
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    // Takes the credit back from the broker. The receiver stays open for messages in hand.
    await atMost(LONGEST_END_MS, this.#subscription?.close());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#options.onClosed();
    await atMost(LONGEST_END_MS, this.#receiver?.close());
  }

  /** Creates a new receiver from the current client. Messages in hand are settled over the old one, or come again. */
  reopen(): void {
    const old = this.#receiver;
    this.#receiver = undefined;
    old?.close().catch(() => undefined);
    this.#open();
  }

  #open(): void {
    if (this.#stopped) return;
    let receiver: ServiceBusReceiver;
    try {
      receiver = this.#options.client().createReceiver(this.#options.queue, {
        maxAutoLockRenewalDurationInMs: LONGEST_LEASING_MS,
      });
      this.#receiver = receiver;
      this.#subscription = this.#subscribe(receiver);
    } catch {
      // Thrown, not reported, when the client is closed or closing.
      return this.#reopenIn(REOPEN_AFTER_ERROR_MS);
    }
    this.#reopenIn(REOPEN_WHEN_QUIET_MS);
  }

  #subscribe(receiver: ServiceBusReceiver): Subscription {
    return receiver.subscribe(
      {
        processMessage: (message) =>
          new Promise<void>((resolve) => {
            this.#inHand += 1;
            this.#inOutage = false;
            const delivery = new BusDelivery(message, () => {
              this.#inHand -= 1;
              resolve();
            });
            this.#owners.set(delivery, receiver);
            if (!this.#stopped) this.#reopenIn(REOPEN_WHEN_QUIET_MS);
            this.#options.onDelivery(delivery);
          }),
        processError: async ({ error, errorSource }) => {
          if (this.#stopped || receiver !== this.#receiver || errorSource !== "receive") return;
          if (!this.#inOutage) {
            this.#inOutage = true;
            this.#options.log.warn("jobs-queue.failed", {
              reason: clip(error.message, limits.loggedReasonChars),
            });
          }
          this.#reopenIn(REOPEN_AFTER_ERROR_MS);
        },
      },
      { autoCompleteMessages: false, maxConcurrentCalls: this.#options.maxInFlight },
    );
  }

  #reopenIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Jobs in hand use credit of the old link; a second link would exceed the bound.
      if (this.#inHand > 0 && delayMs === REOPEN_WHEN_QUIET_MS) this.#reopenIn(delayMs);
      else this.reopen();
    }, delayMs).unref();
  }

  async #settle(
    delivery: Delivery,
    what: string,
    settle: (
      receiver: ServiceBusReceiver,
      message: ReturnType<typeof BusDelivery.sdkMessageOf>,
    ) => Promise<void>,
  ): Promise<void> {
    const receiver = this.#owners.get(delivery);
    if (receiver === undefined) return;
    try {
      await settle(receiver, BusDelivery.sdkMessageOf(delivery));
    } catch (error) {
      throw brokerOutage(what, error);
    }
  }
}

/** Waits for work that may hang or fail, but no longer than this. */
async function atMost(durationMs: number, work: Promise<void> | undefined): Promise<void> {
  await Promise.race([
    work?.catch(() => undefined),
    new Promise<void>((resolve) => setTimeout(resolve, durationMs).unref()),
  ]);
}
