import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { MemoryStore } from "../../store/memory-store";
import { Broker } from "../broker";
import type { Consumer, Grant } from "../model/consumer";
import type { Queue } from "./queue";
import type { QueueMessage } from "../model/queue-message";
import type { Session, SessionHolder } from "../locks/session";

const LOCK_MS = 1000;
const MAX_DELIVERIES = 3;
const SESSIONS = ["a", "b"];

/** A receiver that keeps what it gets. */
class Holder implements Consumer, SessionHolder {
  readonly locks = true;
  readonly owner = {};
  readonly held: { message: QueueMessage; grant: Grant }[] = [];
  session: Session | undefined;
  free = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  credit(): number {
    return this.free;
  }

  deliver(message: QueueMessage, grant: Grant | undefined): void {
    if (grant === undefined) throw new Error("delivered without a lock");
    this.free -= 1;
    this.#world.delivered(message, grant);
    this.held.push({ message, grant });
  }

  lost(): void {
    this.#world.queue.removeConsumer(this, this.session);
    this.session = undefined;
    this.held.length = 0;
  }
}

/** The engine under test with its clock, and what must be true of it. */
class World {
  nowMs = 1_000_000;
  sent = 0;
  completed = 0;
  readonly queue: Queue;
  readonly holders: Holder[];
  readonly #broker: Broker;
  /** End of the lock by message id, as far as its receiver knows. */
  readonly #lockedUntil = new Map<string, number>();

  constructor(requiresSession: boolean) {
    this.#broker = new Broker(
      [
        {
          name: "q",
          requiresSession,
          lockDurationMs: LOCK_MS,
          duplicateDetectionWindowMs: null,
          defaultTtlMs: null,
          maxDeliveryCount: MAX_DELIVERIES,
          deadLetterOnExpiry: false,
        },
      ],
      {
        clock: { now: () => this.nowMs },
        store: new MemoryStore(),
        editProperties: (content) => content,
      },
    );
    this.queue = this.#broker.queue("q");
    this.holders = [new Holder(this), new Holder(this), new Holder(this)];
  }

  /** Only notes what is wrong: the store would take a throw here for a defect of a callback. */
  delivered(message: QueueMessage, grant: Grant): void {
    if ((this.#lockedUntil.get(message.messageId) ?? 0) > this.nowMs) {
      this.#violations.push(`${message.messageId} was delivered while another receiver had it`);
    }
    this.#lockedUntil.set(message.messageId, grant.lockedUntilMs);
    const { sessionId, sequenceNumber } = message;
    for (const other of this.queue.peek(1, 1000, sessionId)) {
      if (other.sequenceNumber >= sequenceNumber) break;
      if (other.state === "active") {
        this.#violations.push(`${message.messageId} was delivered before ${other.messageId}`);
      }
    }
    if (sessionId === undefined) return;
    const holders = this.holders.filter(({ session }) => session?.id === sessionId).length;
    if (holders !== 1) this.#violations.push(`session ${sessionId} has ${holders} holders`);
  }

  /** The receiver knows that it has the message no more. */
  givenUp(message: QueueMessage): void {
    this.#lockedUntil.delete(message.messageId);
  }

  readonly #violations: string[] = [];

  async settleDown(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(this.#violations).toEqual([]);
    const dead = this.queue.deadLetters?.activeCount ?? 0;
    const { activeCount, deferredCount, scheduledCount } = this.queue;
    expect(this.completed + dead + activeCount + deferredCount + scheduledCount).toBe(this.sent);
  }

  close(): void {
    this.#broker.close();
  }
}

type Step =
  | { readonly do: "send"; readonly session: number; readonly scheduledInMs: number }
  | { readonly do: "feed"; readonly holder: number; readonly credit: number }
  | { readonly do: "settle"; readonly holder: number; readonly which: number; readonly how: number }
  | { readonly do: "take-session"; readonly holder: number }
  | { readonly do: "leave-session"; readonly holder: number }
  | { readonly do: "wait"; readonly ms: number };

const holder = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      session: fc.nat(1),
      scheduledInMs: fc.constantFrom(0, 0, 0, 500),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("feed" as const),
      holder,
      credit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      holder,
      which: fc.nat(3),
      how: fc.nat(4),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("take-session" as const), holder }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave-session" as const), holder }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 400, 1001) }),
  },
);

const SETTLEMENTS = [
  { kind: "complete" },
  { kind: "abandon" },
  { kind: "release" },
  { kind: "defer" },
  { kind: "dead-letter", properties: {} },
] as const;

function settle(world: World, from: Holder, which: number, how: number): void {
  const [entry] = from.held.splice(which % Math.max(from.held.length, 1), 1);
  const settlement = SETTLEMENTS[how];
  if (entry === undefined || settlement === undefined) return;
  const inTime = (from.session?.lockedUntilMs ?? entry.grant.lockedUntilMs) > world.nowMs;
  try {
    world.queue.settle(entry.grant.token, settlement);
    expect(inTime).toBe(true);
    if (settlement.kind === "complete") world.completed += 1;
    world.givenUp(entry.message);
  } catch (error) {
    expect(inTime).toBe(false);
    expect(error).toMatchObject({ code: "message-lock-lost" });
  }
}

function leaveSession(world: World, leaver: Holder): void {
  const { session } = leaver;
  if (session === undefined) return;
  for (const { message } of leaver.held) world.givenUp(message);
  leaver.held.length = 0;
  world.queue.removeConsumer(leaver, session);
  world.queue.releaseSession(session, leaver);
  leaver.session = undefined;
  leaver.free = 0;
}

function takeSession(world: World, taker: Holder): void {
  if (taker.session !== undefined) return;
  const waiter = {
    holder: taker,
    granted: (session: Session) => {
      taker.session = session;
    },
  };
  world.queue.acceptNextSession(waiter);
  world.queue.stopWaiting(waiter);
}

async function run(requiresSession: boolean, steps: readonly Step[]): Promise<void> {
  const world = new World(requiresSession);
  try {
    for (const each of steps) {
      switch (each.do) {
        case "send":
          world.queue.send([
            {
              messageId: `m-${world.sent++}`,
              sessionId: requiresSession ? SESSIONS[each.session] : undefined,
              ttlMs: undefined,
              scheduledForMs:
                each.scheduledInMs === 0 ? undefined : world.nowMs + each.scheduledInMs,
              content: Buffer.alloc(0),
            },
          ]);
          break;
        case "feed": {
          const eater = world.holders[each.holder];
          if (eater === undefined) break;
          if (requiresSession) takeSession(world, eater);
          if (requiresSession && eater.session === undefined) break;
          eater.free = each.credit;
          world.queue.feed(eater, eater.session);
          break;
        }
        case "settle": {
          const settler = world.holders[each.holder];
          if (settler !== undefined) settle(world, settler, each.which, each.how);
          break;
        }
        case "take-session": {
          const taker = world.holders[each.holder];
          if (taker !== undefined && requiresSession) takeSession(world, taker);
          break;
        }
        case "leave-session": {
          const leaver = world.holders[each.holder];
          if (leaver !== undefined) leaveSession(world, leaver);
          break;
        }
        case "wait":
          world.nowMs += each.ms;
          world.queue.advance();
          break;
      }
      await world.settleDown();
    }
  } finally {
    world.close();
  }
}

test("a queue without sessions loses nothing and gives no message to two receivers", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) =>
      run(false, steps),
    ),
    { numRuns: 300 },
  );
});

test("a queue with sessions loses nothing, keeps order in a session and gives no message to two receivers", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) =>
      run(true, steps),
    ),
    { numRuns: 300 },
  );
});
