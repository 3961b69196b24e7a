/**
 * The agent's broker port over the fake broker. A lane believes what a real one can know: its lock lasts as long as the
 * broker said, counted from the answer by the process's own monotonic clock, and it hears of a loss only when told.
 */
import { type Broker, type Delivery, type LaneSession, OutageError } from "@postern/agent";
import type { FakeBroker } from "../services/fake-broker";
import { type FakeQueue, type Hold, LockLost, type QueuedMessage } from "../services/fake-queue";
import type { SimProcess } from "../clockwork/sim-process";
import type { Wire } from "../clockwork/wire";

export interface AgentBrokerOptions {
  readonly process: SimProcess;
  readonly wire: Wire;
  readonly broker: FakeBroker;
  readonly acceptWaitMs: number;
}

const failure = (how: "unreachable" | "throttled", retryAfterMs: number | undefined): OutageError =>
  new OutageError("broker", how, "the broker does not answer", {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

class SimDelivery implements Delivery {
  readonly message: QueuedMessage;
  readonly deliveryCount: number;
  readonly returnCredit: () => void;

  constructor(message: QueuedMessage, returnCredit: () => void) {
    this.message = message;
    this.deliveryCount = message.deliveryCount;
    this.returnCredit = returnCredit;
  }

  get messageId(): string {
    return this.message.messageId;
  }

  get properties(): Readonly<Record<string, unknown>> {
    return this.message.properties;
  }

  get body(): unknown {
    return this.message.body;
  }
}

class SimLane implements LaneSession {
  readonly sessionId: string;
  readonly #lost = new AbortController();
  readonly #options: AgentBrokerOptions;
  readonly #queue: FakeQueue;
  readonly #hold: Hold;
  #heldUntilMs: number;
  #closed = false;
  #arrivesMs = 0;

  constructor(options: AgentBrokerOptions, queue: FakeQueue, hold: Hold) {
    this.#options = options;
    this.#queue = queue;
    this.#hold = hold;
    this.sessionId = hold.session;
    const lockMs = queue.options.lockDurationMs;
    this.#heldUntilMs = options.process.monotonicMs() + lockMs;
    hold.onDetached = () => this.#soon(() => this.#lose("the session was detached"));
    void this.#renewals(lockMs);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  readonly isHeld = (): boolean => {
    if (this.#closed || this.#lost.signal.aborted) return false;
    if (this.#options.process.monotonicMs() < this.#heldUntilMs) return true;
    this.#lose("the session lock has run out");
    return false;
  };

  readonly subscribe = (credits: number, onDelivery: (delivery: Delivery) => void): void => {
    const hold = this.#hold;
    hold.deliver = (messages) => {
      this.#soon(() => {
        for (const message of messages) {
          let returned = false;
          if (this.#closed) return;
          onDelivery(
            new SimDelivery(message, () => {
              if (returned || this.#closed) return;
              returned = true;
              this.#grant(1);
            }),
          );
        }
      });
    };
    this.#grant(credits);
  };

  readonly complete = (delivery: Delivery): Promise<void> =>
    this.#settle("complete", (forget) =>
      this.#queue.complete(this.#hold, messageOf(delivery), forget),
    );

  readonly deadLetter = (
    delivery: Delivery,
    reason: { readonly code: string; readonly text: string },
  ): Promise<void> =>
    this.#settle("dead-letter", () =>
      this.#queue.deadLetter(this.#hold, messageOf(delivery), reason.code, reason.text),
    );

  readonly close = async (): Promise<void> => {
    if (this.#closed) return;
    this.#closed = true;
    const giveUp = (): Promise<void> =>
      this.#options.wire.ask({
        service: "broker",
        operation: "close lane",
        effect: () => this.#queue.release(this.#hold),
        failure,
      });
    if (this.#lost.signal.aborted) void giveUp().catch(() => undefined);
    else await giveUp().catch(() => undefined);
  };

  #grant(credits: number): void {
    this.#options.process.timeline.after(1, () => {
      this.#hold.credits += credits;
      this.#queue.feed(this.#hold);
    });
  }

  /** Deliveries of one link arrive in the order in which they were sent. */
  #soon(run: () => void): void {
    const { process } = this.#options;
    this.#arrivesMs = Math.max(this.#arrivesMs, process.timeline.nowMs + 2);
    process.timeline.at(this.#arrivesMs, () => process.deliver(run));
  }

  async #settle(operation: string, effect: (forget: boolean) => void): Promise<void> {
    try {
      await this.#options.wire.ask({
        service: "broker",
        operation,
        effect: (struck) => effect(struck === "forget"),
        failure,
      });
    } catch (error) {
      if (!(error instanceof LockLost)) throw error;
      this.#lose("the session lock is lost");
      throw new OutageError("broker", "lock-lost", "the session lock is lost");
    }
  }

  async #renewals(lockMs: number): Promise<void> {
    const { process, wire } = this.#options;
    for (;;) {
      await process.sleep(lockMs / 2, this.#lost.signal);
      if (!this.isHeld()) return;
      const askedMs = process.monotonicMs();
      try {
        await wire.ask({
          service: "broker",
          operation: "renew",
          effect: () => this.#queue.renew(this.#hold),
          failure,
        });
        this.#heldUntilMs = askedMs + lockMs;
      } catch (error) {
        if (error instanceof LockLost) this.#lose("the session lock is lost");
      }
    }
  }

  #lose(why: string): void {
    if (this.#lost.signal.aborted || this.#closed) return;
    this.#lost.abort(new OutageError("broker", "lock-lost", why));
  }
}

function messageOf(delivery: Delivery): QueuedMessage {
  if (!(delivery instanceof SimDelivery)) throw new TypeError("not a delivery of this broker");
  return delivery.message;
}

export function agentBroker(options: AgentBrokerOptions): Broker {
  const { process, wire, broker, acceptWaitMs } = options;
  const never = (): Promise<void> => new Promise(() => undefined);
  return {
    acceptLane: async (name, signal) => {
      const queue = broker.queue(name);
      await wire.ask({ service: "broker", operation: "accept", effect: () => undefined, failure });
      return new Promise<LaneSession | undefined>((resolve) => {
        let answered = false;
        const answer = (lane: LaneSession | undefined): void => {
          if (answered) return;
          answered = true;
          stop();
          timeout.run = undefined;
          signal.removeEventListener("abort", onAbort);
          resolve(lane);
        };
        const onAbort = (): void => answer(undefined);
        const timeout = process.timeline.after(acceptWaitMs, () =>
          process.deliver(() => answer(undefined)),
        );
        let stop: () => void = () => undefined;
        stop = queue.wait({
          isAlive: () => process.alive && !answered,
          take: (hold) => {
            process.timeline.after(2, () =>
              process.deliver(() => {
                // Too late: it is handed straight back.
                if (answered) void new SimLane(options, queue, hold).close();
                else answer(new SimLane(options, queue, hold));
              }),
            );
          },
        });
        signal.addEventListener("abort", onAbort, { once: true });
        if (signal.aborted) onAbort();
      });
    },
    openJobs: () => ({
      complete: never,
      deadLetter: never,
      abandon: never,
      stop: async () => undefined,
      close: async () => undefined,
    }),
    send: (name, messages) =>
      wire.ask({
        service: "broker",
        operation: "report",
        effect: () => broker.queue(name).send(messages),
        failure,
      }),
    close: async () => undefined,
  };
}
