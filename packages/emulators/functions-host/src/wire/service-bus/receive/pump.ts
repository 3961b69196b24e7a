/**
 * Turns the messages of one subscribed receiver into invocations, one by one or in batches. Open -> closing (nothing
 * new begins) -> closed. It owns its messages from delivery to settlement; the receiver belongs to the caller.
 *
 * A message's handler ends only when the message is settled, because the SDK counts credit by that, and the lock is
 * renewed until then.
 */
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { MessageRunner, Settler } from "./message-runner";

export interface PumpLimits {
  /** Invocations at the same time; a batch trigger runs one. */
  readonly concurrentCalls: number;
  /** A smaller batch waits until maxBatchWaitMs has passed. */
  readonly minBatchSize: number;
  readonly maxBatchSize: number;
  readonly maxBatchWaitMs: number;
  /** Whether messages that were not begun are abandoned at the end; otherwise the broker frees them with the link. */
  readonly giveBack: boolean;
}

interface Waiting {
  readonly message: ServiceBusReceivedMessage;
  readonly receivedAt: number;
  readonly done: () => void;
}

/** The SDK stops receiving silently at 2048 unsettled messages of one link. */
export const MAX_CREDIT = 2000;

/** The SDK delivers one socket read at a time: waiting at most this long lets a burst become one batch. */
const COALESCE_MS = 3;

export class Pump {
  readonly #limits: PumpLimits;
  readonly #runner: MessageRunner;
  readonly #settler: Settler;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();
  #closing = false;
  #scheduled = false;
  #batchTimer: NodeJS.Timeout | undefined;
  #idleSince = performance.now();

  constructor(limits: PumpLimits, runner: MessageRunner, settler: Settler) {
    this.#limits = limits;
    this.#runner = runner;
    this.#settler = settler;
  }

  /** How long no message has been in hand. */
  get idleMs(): number {
    return this.#busy ? 0 : performance.now() - this.#idleSince;
  }

  get #busy(): boolean {
    return this.#running.size > 0 || this.#waiting.length > 0;
  }

  /** The SDK's message handler. */
  readonly receive = (message: ServiceBusReceivedMessage): Promise<void> => {
    if (this.#closing) return this.#giveBack([message]);
    return new Promise((done) => {
      this.#waiting.push({ message, receivedAt: performance.now(), done });
      if (this.#limits.maxBatchSize === 1) this.#startCalls();
      else this.#coalesce();
    });
  };

  /** Begins nothing more and waits for running invocations. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#batchTimer);
    const waiting = this.#waiting.splice(0);
    await this.#giveBack(waiting.map(({ message }) => message));
    for (const { done } of waiting) done();
    await Promise.all(this.#running);
  }

  async #giveBack(messages: readonly ServiceBusReceivedMessage[]): Promise<void> {
    if (!this.#limits.giveBack || messages.length === 0) return;
    await this.#runner.giveBack(messages, this.#settler);
  }

  #startCalls(): void {
    while (!this.#closing && this.#running.size < this.#limits.concurrentCalls) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#start([next], () => this.#startCalls());
    }
  }

  #coalesce(): void {
    if (this.#scheduled || this.#running.size > 0) return;
    this.#scheduled = true;
    const startedAt = performance.now();
    let seen = 0;
    const look = (): void => {
      const { length } = this.#waiting;
      const full = length >= this.#limits.maxBatchSize;
      if (!full && length > seen && performance.now() - startedAt < COALESCE_MS) {
        seen = length;
        setImmediate(look);
        return;
      }
      this.#scheduled = false;
      this.#startBatch();
    };
    setImmediate(look);
  }

  #startBatch(): void {
    const { minBatchSize, maxBatchSize, maxBatchWaitMs } = this.#limits;
    const oldest = this.#waiting[0];
    clearTimeout(this.#batchTimer);
    if (this.#closing || this.#running.size > 0 || oldest === undefined) return;
    const waitedMs = performance.now() - oldest.receivedAt;
    if (this.#waiting.length < minBatchSize && waitedMs < maxBatchWaitMs) {
      this.#batchTimer = setTimeout(() => this.#startBatch(), maxBatchWaitMs - waitedMs);
      return;
    }
    this.#start(this.#waiting.splice(0, maxBatchSize), () => this.#startBatch());
  }

  #start(batch: readonly Waiting[], next: () => void): void {
    const messages = batch.map(({ message }) => message);
    const run = this.#runner.run(messages, this.#settler).then(() => {
      this.#running.delete(run);
      for (const { done } of batch) done();
      if (!this.#busy) this.#idleSince = performance.now();
      next();
    });
    this.#running.add(run);
  }
}
