/**
 * A queue of the fake broker: duplicate detection, schedule, delivery count, dead letters, and locks that run out by
 * the broker's own time. With sessions, one holder has a session and gets its messages in order; without, each message
 * is locked by itself. It knows nothing of processes: who receives is a consumer that may long be dead.
 */
import type { QueueTopology } from "@postern/contracts";
import type { Timeline } from "../clockwork/timeline";

export interface QueuedMessage {
  readonly queue: string;
  readonly messageId: string;
  readonly sessionId: string;
  readonly body: unknown;
  readonly properties: Record<string, unknown>;
  readonly enqueuedAtMs: number;
  sequence: number;
  deliveryCount: number;
}

export interface Incoming {
  readonly messageId: string;
  readonly sessionId?: string | undefined;
  readonly body: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly scheduledAtMs?: number | undefined;
}

/** A held session, or (without sessions) the lock of what one receiver was given. */
export interface Hold {
  readonly session: string;
  readonly locked: Set<QueuedMessage>;
  live: boolean;
  lockedUntilMs: number;
  /** Messages that the holder will still take. */
  credits: number;
  /** Where messages go; undefined until the holder asks for them. */
  deliver: ((messages: readonly QueuedMessage[]) => void) | undefined;
  /** The broker takes the session away and says so. */
  onDetached: () => void;
}

export interface Waiter {
  readonly isAlive: () => boolean;
  readonly take: (hold: Hold) => void;
}

export interface QueueEvents {
  readonly accepted: (message: QueuedMessage) => void;
  readonly completed: (message: QueuedMessage) => void;
  readonly deadLettered: (message: QueuedMessage, code: string) => void;
}

interface Session {
  readonly id: string;
  readonly ready: QueuedMessage[];
  hold: Hold | undefined;
}

export class LockLost extends Error {
  override readonly name = "LockLost";
}

export class FakeQueue {
  readonly options: QueueTopology;
  readonly deadLetters: FakeQueue | undefined;
  readonly #timeline: Timeline;
  readonly #events: QueueEvents;
  readonly #sessions = new Map<string, Session>();
  readonly #waiters: Waiter[] = [];
  readonly #known = new Map<string, number>();
  readonly #settled: QueuedMessage[] = [];
  #sequence = 0;
  #scheduled = 0;
  #inside = 0;

  constructor(timeline: Timeline, options: QueueTopology, events: QueueEvents, deadLetters = true) {
    this.#timeline = timeline;
    this.options = options;
    this.#events = events;
    this.deadLetters = deadLetters
      ? new FakeQueue(
          timeline,
          {
            ...options,
            name: `${options.name}/$DeadLetterQueue`,
            requiresSession: false,
            duplicateDetectionWindowMs: null,
            maxDeliveryCount: Infinity,
          },
          events,
          false,
        )
      : undefined;
  }

  get name(): string {
    return this.options.name;
  }

  /** Unsettled messages, those not yet due included. */
  get depth(): number {
    return this.#inside + this.#scheduled;
  }

  get heldSessions(): number {
    let held = 0;
    for (const { hold } of this.#sessions.values()) if (hold !== undefined) held += 1;
    return held;
  }

  /** Everything in the queue that is due and unlocked, in order. */
  waiting(): QueuedMessage[] {
    return [...this.#sessions.values()].flatMap(({ ready }) => ready);
  }

  forgetDuplicates(): void {
    this.#known.clear();
  }

  send(messages: readonly Incoming[]): void {
    const nowMs = this.#timeline.nowMs;
    const window = this.options.duplicateDetectionWindowMs;
    for (const incoming of messages) {
      if (window !== null) {
        if ((this.#known.get(incoming.messageId) ?? 0) > nowMs) continue;
        this.#known.set(incoming.messageId, nowMs + window);
      }
      const { messageId, body, scheduledAtMs } = incoming;
      const message: QueuedMessage = {
        queue: this.name,
        messageId,
        sessionId: this.options.requiresSession ? (incoming.sessionId ?? "") : "",
        body,
        properties: { ...incoming.properties },
        enqueuedAtMs: Math.max(nowMs, scheduledAtMs ?? 0),
        sequence: 0,
        deliveryCount: 0,
      };
      this.#events.accepted(message);
      if (scheduledAtMs !== undefined && scheduledAtMs > nowMs) {
        this.#scheduled += 1;
        this.#timeline.at(scheduledAtMs, () => {
          this.#scheduled -= 1;
          this.#add(message);
        });
      } else this.#add(message);
    }
  }

  /** What was settled before comes once more, as after a broker's own recovery. */
  redeliverSettled(pick: (count: number) => number, delayMs: number): void {
    const message = this.#settled[pick(this.#settled.length)];
    if (message === undefined) return;
    this.#scheduled += 1;
    this.#timeline.after(delayMs, () => {
      this.#scheduled -= 1;
      // A copy: the same message may be delivered twice at the same time.
      this.#add({ ...message, deliveryCount: message.deliveryCount + 1 });
    });
  }

  wait(waiter: Waiter): () => void {
    this.#waiters.push(waiter);
    this.#offer();
    return () => {
      const index = this.#waiters.indexOf(waiter);
      if (index >= 0) this.#waiters.splice(index, 1);
    };
  }

  /** The holder wants messages now. */
  feed(hold: Hold): void {
    const session = this.#sessions.get(hold.session);
    if (!hold.live || hold.deliver === undefined || session === undefined) return;
    const given = session.ready.splice(0, Math.max(0, hold.credits));
    if (given.length === 0) return;
    hold.credits -= given.length;
    for (const message of given) hold.locked.add(message);
    hold.deliver(given);
  }

  complete(hold: Hold, message: QueuedMessage, forget = false): void {
    this.#take(hold, message);
    this.#inside -= 1;
    this.#events.completed(message);
    if (this.#settled.length < 200) this.#settled.push(message);
    if (!forget) return;
    message.deliveryCount += 1;
    this.#add(message);
  }

  /** A receiver may rewrite the properties of what it dead-letters, never its body or id. */
  deadLetter(
    hold: Hold,
    message: QueuedMessage,
    code: string,
    text: string,
    rewritten: Readonly<Record<string, unknown>> = {},
  ): void {
    this.#take(hold, message);
    this.#bury({ ...message, properties: { ...message.properties, ...rewritten } }, code, text);
  }

  abandon(hold: Hold, message: QueuedMessage): void {
    this.#take(hold, message);
    this.#putBack([message], true);
    this.#offer();
  }

  renew(hold: Hold): number {
    if (!hold.live) throw new LockLost("the lock is lost");
    hold.lockedUntilMs = this.#timeline.nowMs + this.options.lockDurationMs;
    this.#watch(hold);
    return hold.lockedUntilMs;
  }

  /** Gives the session up: what was delivered goes back, and the delivery does not count. */
  release(hold: Hold): void {
    if (hold.live) this.#end(hold, false);
  }

  /** The broker loses a lock, as after a failover; `told`: the broker detaches the holder's link. */
  loseOne(pick: (count: number) => number, told: boolean): boolean {
    const held = [...this.#sessions.values()].flatMap(({ hold }) => hold ?? []);
    const hold = held[pick(held.length)];
    if (hold === undefined) return false;
    this.#end(hold, true);
    if (told) hold.onDetached();
    return true;
  }

  #add(message: QueuedMessage): void {
    this.#inside += 1;
    this.#sequence += 1;
    message.sequence = this.#sequence;
    const session = this.#session(message);
    session.ready.push(message);
    if (session.hold === undefined) this.#offer();
    else this.feed(session.hold);
  }

  /** Without sessions, each message is its own session. */
  #session(message: QueuedMessage): Session {
    const id = this.options.requiresSession ? message.sessionId : `#${message.sequence}`;
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const session: Session = { id, ready: [], hold: undefined };
    this.#sessions.set(id, session);
    return session;
  }

  #take(hold: Hold, message: QueuedMessage): void {
    if (!hold.live || !hold.locked.delete(message)) throw new LockLost("the lock is lost");
    this.#forgetIfEmpty(hold.session);
  }

  #forgetIfEmpty(id: string): void {
    const session = this.#sessions.get(id);
    if (this.options.requiresSession || session === undefined) return;
    if (session.ready.length === 0 && session.hold?.locked.size === 0) this.#sessions.delete(id);
  }

  #putBack(messages: readonly QueuedMessage[], counts: boolean): void {
    for (const message of messages) {
      if (counts) message.deliveryCount += 1;
      if (message.deliveryCount >= this.options.maxDeliveryCount) {
        this.#bury(message, "MaxDeliveryCountExceeded", "delivered too often");
        continue;
      }
      const { ready } = this.#session(message);
      const place = ready.findIndex(({ sequence }) => sequence > message.sequence);
      if (place < 0) ready.push(message);
      else ready.splice(place, 0, message);
    }
  }

  #bury(message: QueuedMessage, code: string, text: string): void {
    this.#inside -= 1;
    this.#events.deadLettered(message, code);
    const { messageId, body, properties } = message;
    this.deadLetters?.send([
      {
        messageId,
        body,
        properties: { ...properties, DeadLetterReason: code, DeadLetterErrorDescription: text },
      },
    ]);
  }

  #offer(): void {
    if (this.#waiters.length === 0) return;
    for (const session of this.#sessions.values()) {
      if (session.hold !== undefined || session.ready.length === 0) continue;
      let waiter = this.#waiters.shift();
      while (waiter !== undefined && !waiter.isAlive()) waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      const hold: Hold = {
        session: session.id,
        locked: new Set(),
        live: true,
        lockedUntilMs: this.#timeline.nowMs + this.options.lockDurationMs,
        credits: 0,
        deliver: undefined,
        onDetached: () => undefined,
      };
      session.hold = hold;
      this.#watch(hold);
      waiter.take(hold);
      if (this.#waiters.length === 0) return;
    }
  }

  #watch(hold: Hold): void {
    this.#timeline.at(hold.lockedUntilMs, () => {
      if (hold.live && hold.lockedUntilMs <= this.#timeline.nowMs) this.#end(hold, true);
    });
  }

  #end(hold: Hold, counts: boolean): void {
    hold.live = false;
    const session = this.#sessions.get(hold.session);
    if (session?.hold === hold) session.hold = undefined;
    const back = [...hold.locked];
    hold.locked.clear();
    if (session !== undefined && session.ready.length === 0 && back.length === 0) {
      this.#sessions.delete(hold.session);
    }
    this.#putBack(back, counts);
    this.#offer();
  }
}
