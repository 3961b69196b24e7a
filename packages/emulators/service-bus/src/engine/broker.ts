/**
 * All queues of one namespace and the single timer behind everything that happens by time.
 * The wire looks queues up here; nothing else starts timers for messages.
 */
import { BrokerError } from "./model/broker-error";
import type { Clock } from "./model/clock";
import type { PropertyEditor } from "./model/queue-message";
import { Queue } from "./queue/queue";
import type { QueueOptions, QueueServices } from "./model/queue-options";
import type { Store } from "./model/store";

const DEAD_LETTER_SUFFIX = "/$deadletterqueue";
// The longest delay that setTimeout takes.
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface BrokerServices {
  readonly clock: Clock;
  readonly store: Store;
  readonly editProperties: PropertyEditor;
}

export class Broker {
  readonly #clock: Clock;
  readonly #queues = new Map<string, Queue>();
  #timer: NodeJS.Timeout | undefined;
  #armedForMs = Infinity;
  #closed = false;

  constructor(queues: readonly QueueOptions[], services: BrokerServices) {
    this.#clock = services.clock;
    const queueServices: QueueServices = { ...services, wakeAt: (timeMs) => this.#wakeAt(timeMs) };
    for (const options of queues) {
      const deadLetters = new Queue(deadLetterOptions(options), queueServices);
      this.#queues.set(deadLetters.name.toLowerCase(), deadLetters);
      this.#queues.set(options.name.toLowerCase(), new Queue(options, queueServices, deadLetters));
    }
  }

  /**
   * The queue or dead-letter queue of an entity path; names are case-insensitive.
   *
   * @throws BrokerError `queue-not-found`
   */
  queue(path: string): Queue {
    const queue = this.#queues.get(path.toLowerCase());
    if (queue !== undefined) return queue;
    // The SDK recognises the missing entity by this wording.
    throw new BrokerError("queue-not-found", `The messaging entity '${path}' could not be found.`);
  }

  /** Queues without the dead-letter ones. */
  *queues(): Generator<Queue> {
    for (const queue of this.#queues.values()) if (queue.deadLetters !== undefined) yield queue;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #wakeAt(timeMs: number): void {
    if (timeMs >= this.#armedForMs || this.#closed) return;
    clearTimeout(this.#timer);
    this.#armedForMs = timeMs;
    const delayMs = Math.min(Math.max(timeMs - this.#clock.now(), 1), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#advance(), delayMs);
    this.#timer.unref();
  }

  #advance(): void {
    this.#armedForMs = Infinity;
    let next = Infinity;
    for (const queue of this.#queues.values()) next = Math.min(next, queue.advance());
    this.#wakeAt(next);
  }
}

function deadLetterOptions(queue: QueueOptions): QueueOptions {
  return {
    name: queue.name + DEAD_LETTER_SUFFIX,
    requiresSession: false,
    lockDurationMs: queue.lockDurationMs,
    duplicateDetectionWindowMs: null,
    defaultTtlMs: null,
    maxDeliveryCount: Infinity,
    deadLetterOnExpiry: false,
  };
}
