/**
 * Service Bus behind the broker port, with a watchdog over every long wait.
 *
 * The SDK is known to hang silently, and to leave receivers dead after some ways of closing a connection. So each wait
 * has a time limit. When one is exceeded, or accepting fails repeatedly, the client is rebuilt: the old client's
 * lanes are lost immediately, its connection is closed in the background, and everything continues with a new one.
 *
 * A dropped connection is detected immediately, because two of the SDK's waits would not end with it (7.9.5): an accept
 * hangs for a minute, a send for its time-out.
 */
import { type ServiceBusClient, type ServiceBusSender } from "@azure/service-bus";
import { onDisconnected } from "./service-bus-connection";
import { type Clock, type Logger, OutageError } from "@postern/runtime";
import type { Broker, Delivery, JobSource, LaneSession, OutgoingMessage } from "../ports/broker";
import { brokerOutage, serviceBusCode } from "./service-bus-errors";
import { BusJobSource } from "./service-bus-jobs";
import { BusLane } from "./service-bus-lane";

export interface ServiceBusBrokerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Creates a client whose operations time out after `acceptWaitMs`. */
  readonly connect: () => ServiceBusClient;
  /** How long the broker may keep a request for a lane waiting. */
  readonly acceptWaitMs: number;
  /** Queues to send to: their links are opened ahead. */
  readonly sendQueues: readonly string[];
}

/** Added to the broker's own waiting time. */
const ACCEPT_GRACE_MS = 5_000;
const LONGEST_SEND_MS = 15_000;
const FAILED_ACCEPTS_TO_REBUILD = 40;
/** A broker that is down does not come back sooner because the client is rebuilt more often. */
const LEAST_BETWEEN_REBUILDS_MS = 500;
const WATCH_INTERVAL_MS = 2_000;
const LONGEST_CLOSE_MS = 3_000;
/** Time from opening a sender to its first credit; the SDK delays an earlier send by a second. */
const FIRST_CREDIT_MS = 10;

interface Generation {
  readonly client: ServiceBusClient;
  readonly senders: Map<string, Promise<ServiceBusSender>>;
  readonly lanes: Set<BusLane>;
  readonly ended: AbortController;
  /** Whether the broker has answered over this client. Until then the SDK's own connection attempts are left alone. */
  proven: boolean;
}

export class ServiceBusBroker implements Broker {
  readonly #options: ServiceBusBrokerOptions;
  readonly #jobs = new Set<BusJobSource>();
  readonly #watch: NodeJS.Timeout;
  #generation: Generation;
  #builtMs: number;
  #failedAccepts = 0;
  #delayed: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ServiceBusBrokerOptions) {
    this.#options = options;
    this.#generation = this.#newGeneration();
    this.#builtMs = options.clock.monotonicMs();
    this.#watch = setInterval(() => this.#checkLanes(), WATCH_INTERVAL_MS).unref();
  }

  async acceptLane(queue: string, signal: AbortSignal): Promise<LaneSession | undefined> {
    const generation = this.#current();
    // `BusLane` renews the lock itself.
    const accepting = generation.client.acceptNextSession(queue, {
      maxAutoLockRenewalDurationInMs: 0,
    });
    let taken = false;
    try {
      const receiver = await settledOrUndefined(accepting, [signal, generation.ended.signal], {
        afterMs: this.#options.acceptWaitMs + ACCEPT_GRACE_MS,
        then: () => this.#rebuild(`accepting a lane of ${queue} was not answered`, generation),
      });
      if (receiver === undefined) return undefined;
      this.#answered(generation);
      taken = true;
      const lane: BusLane = new BusLane(receiver, {
        clock: this.#options.clock,
        onOver: () => generation.lanes.delete(lane),
        onHang: (what) => this.#rebuild(what, generation),
      });
      generation.lanes.add(lane);
      return lane;
    } catch (error) {
      const code = serviceBusCode(error);
      if (code === "ServiceTimeout" || code === "SessionCannotBeLocked") {
        this.#answered(generation);
        return undefined;
      }
      this.#failedAccepts += 1;
      if (this.#failedAccepts >= FAILED_ACCEPTS_TO_REBUILD) {
        this.#rebuild("lanes cannot be accepted", generation);
      }
      throw brokerOutage(`accepting a lane of ${queue}`, error);
    } finally {
      // The SDK cannot cancel an accept: a lane that arrives too late is handed back.
      if (!taken) accepting.then((late) => late.close()).catch(() => undefined);
    }
  }

  openJobs(
    queue: string,
    maxInFlight: number,
    onDelivery: (delivery: Delivery) => void,
  ): JobSource {
    const jobs: BusJobSource = new BusJobSource({
      clock: this.#options.clock,
      log: this.#options.log,
      client: () => this.#current().client,
      queue,
      maxInFlight,
      onDelivery,
      onClosed: () => this.#jobs.delete(jobs),
    });
    this.#jobs.add(jobs);
    return jobs;
  }

  async send(queue: string, messages: readonly OutgoingMessage[]): Promise<void> {
    const generation = this.#current();
    const sending = this.#sender(generation, queue).then((sender) =>
      // Sent one by one: each may be as large as a message can be, so several might not fit into a batch.
      Promise.all(
        messages.map(({ messageId, properties, body }) =>
          sender.sendMessages({
            messageId,
            contentType: "application/json",
            applicationProperties: { ...properties },
            body: Buffer.from(JSON.stringify(body)),
          }),
        ),
      ),
    );
    try {
      const sent = await settledOrUndefined(sending, [generation.ended.signal], {
        afterMs: LONGEST_SEND_MS,
        then: () => this.#rebuild(`a send to ${queue} was not answered`, generation),
      });
      if (sent === undefined) {
        sending.catch(() => undefined);
        throw new OutageError("broker", "timed-out", `a send to ${queue} was not answered`);
      }
      this.#answered(generation);
    } catch (error) {
      throw brokerOutage(`sending to ${queue}`, error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    clearTimeout(this.#delayed);
    await Promise.all([...this.#jobs].map((jobs) => jobs.close()));
    await this.#end(this.#generation, "the agent stops");
  }

  #current(): Generation {
    if (this.#closed) throw new OutageError("broker", "unreachable", "the broker client is closed");
    return this.#generation;
  }

  #newGeneration(): Generation {
    const generation: Generation = {
      client: this.#options.connect(),
      senders: new Map(),
      lanes: new Set(),
      ended: new AbortController(),
      proven: false,
    };
    for (const queue of this.#options.sendQueues) {
      this.#sender(generation, queue).catch(() => undefined);
    }
    return generation;
  }

  #answered(generation: Generation): void {
    this.#failedAccepts = 0;
    if (generation.proven) return;
    generation.proven = true;
    // Not before: while the SDK tries to connect, it replaces the connection that this would listen to.
    onDisconnected(generation.client, () =>
      this.#rebuild("the connection was dropped", generation),
    );
  }

  /** Async throughout: the SDK throws synchronously when its client is closed. */
  async #sender(generation: Generation, queue: string): Promise<ServiceBusSender> {
    const known = generation.senders.get(queue);
    if (known !== undefined) return known;
    const sender = generation.client.createSender(queue);
    const opened = sender.createMessageBatch().then(async () => {
      await this.#options.clock.sleep(FIRST_CREDIT_MS);
      return sender;
    });
    generation.senders.set(queue, opened);
    // The SDK does not reopen a sender whose opening failed, so the next send creates a new one. It reopens the others.
    opened.catch(() => {
      if (generation.senders.get(queue) === opened) generation.senders.delete(queue);
      sender.close().catch(() => undefined);
    });
    return opened;
  }

  #checkLanes(): void {
    if ([...this.#generation.lanes].some((lane) => lane.isStuck())) {
      this.#rebuild("a settlement was not answered", this.#generation);
    }
  }

  #rebuild(why: string, of: Generation): void {
    if (this.#closed || of !== this.#generation) return;
    const { clock, log } = this.#options;
    const earlyMs = LEAST_BETWEEN_REBUILDS_MS - (clock.monotonicMs() - this.#builtMs);
    if (earlyMs > 0) {
      this.#delayed ??= setTimeout(() => {
        this.#delayed = undefined;
        this.#rebuild(why, of);
      }, earlyMs).unref();
      return;
    }
    // During a long outage each client after the first is unproven, so the warning appears once per outage.
    log[of.proven ? "warn" : "debug"]("broker-client.rebuilt", { reason: why });
    this.#generation = this.#newGeneration();
    this.#builtMs = clock.monotonicMs();
    this.#failedAccepts = 0;
    void this.#end(of, why);
    for (const jobs of this.#jobs) jobs.reopen();
  }

  async #end(generation: Generation, why: string): Promise<void> {
    generation.ended.abort(new OutageError("broker", "unreachable", why));
    for (const lane of generation.lanes) lane.abandon(why);
    generation.lanes.clear();
    const closing = generation.client.close().catch(() => undefined);
    await Promise.race([
      closing,
      new Promise<void>((resolve) => setTimeout(resolve, LONGEST_CLOSE_MS).unref()),
    ]);
  }
}

/** Returns the result of a promise, or undefined once a signal is aborted or the time is over. */
async function settledOrUndefined<T>(
  work: Promise<T>,
  signals: readonly AbortSignal[],
  overdue: { readonly afterMs: number; readonly then: () => void },
): Promise<T | undefined> {
  let stop: () => void = () => undefined;
  const given = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  const timer = setTimeout(() => {
    overdue.then();
    stop();
  }, overdue.afterMs);
  for (const signal of signals) {
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  }
  try {
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener("abort", stop);
  }
}
