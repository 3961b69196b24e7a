/**
 * An agent in the hands of somebody hostile. It has the rights of its own group: it receives from the group's work
 * queue under lock, settles what it received as it likes, and sends to the group's results queue whatever it likes.
 */
import {
  type AgentId,
  eventProperties,
  JOB_RESULT_MESSAGE_TYPE,
  type LeaseProof,
  PARKED_MESSAGE_TYPE,
  RESULT_MESSAGE_TYPE,
  resultsQueueName,
  type SecurityEventKind,
  type WorkMessageResult,
  workQueueName,
} from "@postern/contracts";
import type { WorkKey } from "@postern/cloud";
import type { Timeline } from "../clockwork/timeline";
import { SeededRandom } from "../../kit/seeded-random";
import type { Trick } from "../plan/hostile-plan";
import { annexPlace } from "../plan/sim-definition";
import type { FakeBroker } from "../services/fake-broker";
import { type FakeQueue, type Hold, LockLost } from "../services/fake-queue";
import {
  forgedJobResult,
  forgedParked,
  liesOf,
  spoiltMessage,
  truthfullyParked,
} from "./forged-messages";
import { type ForgedResult, forgedResults, leakedResults, twistedResults } from "./forged-results";
import type { Knowledge, Taken } from "./knowledge";
import { resultsOf } from "./results";

export interface IntruderWorld {
  readonly timeline: Timeline;
  readonly broker: FakeBroker;
  readonly knowledge: Knowledge;
  readonly lease: LeaseProof;
  readonly note: (line: string | (() => string)) => void;
}

/** What must show as a security event of its group. */
export interface Expectation {
  readonly messageId: string;
  readonly kinds: readonly SecurityEventKind[];
}

/** Longer than it holds anything on purpose. */
const LONGEST_HOLD_MS = 8_000;

export class Intruder {
  readonly expectations: Expectation[] = [];
  readonly #world: IntruderWorld;
  readonly #workQueue: FakeQueue;
  readonly #resultsQueue: FakeQueue;
  #acting = false;
  #gone = false;
  #sent = 0;

  constructor(world: IntruderWorld) {
    this.#world = world;
    const { group, target } = annexPlace;
    this.#workQueue = world.broker.queue(workQueueName(group, target));
    this.#resultsQueue = world.broker.queue(resultsQueueName(group));
  }

  get acting(): boolean {
    return this.#acting;
  }

  /** It is found and switched off. */
  leave(): void {
    this.#gone = true;
  }

  learn(leaked: WorkKey): void {
    this.#world.knowledge.leaked.push(leaked);
  }

  act(trick: Trick, draw: number): void {
    if (this.#gone) return;
    const random = new SeededRandom(draw, trick);
    const { knowledge, timeline } = this.#world;
    const { nowMs } = timeline;
    switch (trick) {
      case "take":
        return this.#take(random);
      case "replay":
        return this.#replay(random);
      case "forge":
        return this.#sendForged(forgedResults(knowledge, random, nowMs), random);
      case "twist":
        return this.#sendForged(twistedResults(knowledge, random, nowMs), random);
      case "leak":
        return this.#sendForged(leakedResults(knowledge, random, nowMs), random);
      case "park": {
        const forged = forgedParked(knowledge, random);
        if (forged === undefined) return;
        this.#expect(forged.message.workMessageId, forged.expected);
        return this.#sendResult(PARKED_MESSAGE_TYPE, forged.message);
      }
      case "spoil": {
        const spoilt = spoiltMessage(knowledge, random);
        if (spoilt === undefined) return;
        this.#expect(spoilt.message.messageId, spoilt.expected);
        return this.#intrude(() => this.#resultsQueue.deadLetters?.send([spoilt.message]));
      }
      case "job": {
        const { message, expected } = forgedJobResult(this.#world.lease, random);
        const messageId = this.#nextId();
        this.#expect(messageId, expected);
        const result = { ok: false, detail: "so it says" };
        return this.#sendResult(JOB_RESULT_MESSAGE_TYPE, { ...message, result }, messageId);
      }
      case "remember":
        return this.#remember(random);
    }
  }

  // ---- what it receives --------------------------------------------------------------------------------------------

  #take(random: SeededRandom): void {
    const { timeline } = this.#world;
    let waits = true;
    const stop = this.#workQueue.wait({
      isAlive: () => waits && !this.#gone,
      take: (hold) => {
        waits = false;
        timeline.after(2, () => this.#work(hold, random));
      },
    });
    timeline.after(random.between(5_000, 30_000), () => {
      waits = false;
      stop();
    });
  }

  #work(hold: Hold, random: SeededRandom): void {
    const { timeline, knowledge } = this.#world;
    hold.deliver = (messages) => {
      for (const message of messages) {
        const taken = knowledge.take(message);
        timeline.after(random.between(1, LONGEST_HOLD_MS / 2), () =>
          this.#intrude(() => this.#treat(hold, taken, random)),
        );
      }
    };
    hold.credits = random.between(1, 6);
    this.#workQueue.feed(hold);
    timeline.after(LONGEST_HOLD_MS, () => {
      hold.deliver = undefined;
      // Or it lets the lock run out.
      if (random.chance(0.7)) this.#intrude(() => this.#workQueue.release(hold));
    });
  }

  #treat(hold: Hold, taken: Taken, random: SeededRandom): void {
    if (this.#gone) return;
    const { timeline, knowledge, note } = this.#world;
    const { message, work } = taken;
    const results = resultsOf(work, random, timeline.nowMs);
    knowledge.proven.push(...results);
    const fate = random.pick([
      ...(["report", "report", "report", "report twice", "report and abandon"] as const),
      ...(["complete", "abandon", "dead-letter", "dead-letter", "park", "keep"] as const),
    ]);
    note(`intruder: ${fate} ${message.messageId}`);
    const queue = this.#workQueue;
    switch (fate) {
      case "report":
        this.#report(results, random);
        return queue.complete(hold, message);
      case "report twice": {
        const sender = this.#sender(random);
        this.#report(results, random, sender);
        // The same agent at the same time, who says otherwise: sooner or later.
        const others = resultsOf(work, random, timeline.nowMs);
        this.#report(others, random, sender);
        return queue.complete(hold, message);
      }
      case "report and abandon":
        this.#report(results, random);
        return queue.abandon(hold, message);
      case "complete":
        return queue.complete(hold, message);
      case "abandon":
        return queue.abandon(hold, message);
      case "dead-letter": {
        const rewritten = random.chance(0.8) ? liesOf(random) : {};
        return queue.deadLetter(hold, message, "so-it-says", "so it says", rewritten);
      }
      case "park":
        this.#sendResult(PARKED_MESSAGE_TYPE, truthfullyParked(taken));
        return random.chance(0.8) ? queue.complete(hold, message) : queue.abandon(hold, message);
      case "keep":
        return;
    }
  }

  // ---- what it sends -----------------------------------------------------------------------------------------------

  /** What was true once, or might have been. */
  #replay(random: SeededRandom): void {
    const { knowledge, timeline } = this.#world;
    if (random.chance(0.5)) {
      const { proven } = knowledge;
      if (proven.length > 0) this.#report([random.pick(proven)], random);
      return;
    }
    const taken = knowledge.someTaken(random);
    if (taken === undefined) return;
    this.#report([random.pick(resultsOf(taken.work, random, timeline.nowMs))], random);
  }

  #remember(random: SeededRandom): void {
    const { knowledge, timeline } = this.#world;
    const { moved, expired, elsewhere } = knowledge.before;
    const old = random.pick([moved, expired, elsewhere]);
    const results = resultsOf(old, random, timeline.nowMs);
    const waiting = results.map((result): ForgedResult => ({
      result: {
        ...result,
        items: result.items.map((item, index) => {
          const sent = old.items[index];
          return { ...item, outcome: "waiting", ...(sent === undefined ? {} : { item: sent }) };
        }),
      },
      expected: old === expired ? ["code-expired"] : old === elsewhere ? ["code-wrong"] : [],
    }));
    this.#sendForged(waiting, random);
  }

  #sendForged(forged: readonly ForgedResult[], random: SeededRandom): void {
    for (const { result, expected } of forged) this.#expect(result.workMessageId, expected);
    this.#report(
      forged.map(({ result }) => result),
      random,
    );
  }

  #expect(messageId: string, kinds: readonly SecurityEventKind[]): void {
    if (kinds.length > 0) this.expectations.push({ messageId, kinds });
  }

  #sender(random: SeededRandom): { readonly agent: AgentId; readonly at: string } {
    const agent = random.pick(["intruder", "annex-1", "agent-1", "agent-2"]) as AgentId;
    const aheadMs = random.pick([0, 0, 0, -600_000, 600_000]);
    return { agent, at: new Date(this.#world.timeline.nowMs + aheadMs).toISOString() };
  }

  #report(
    results: readonly WorkMessageResult[],
    random: SeededRandom,
    sender: { readonly agent: AgentId; readonly at: string } = this.#sender(random),
  ): void {
    if (results.length === 0) return;
    this.#sendResult(RESULT_MESSAGE_TYPE, { ...sender, results });
  }

  #sendResult(type: string, content: object, messageId = this.#nextId()): void {
    const { nowMs } = this.#world.timeline;
    const { tenant, branch, group } = annexPlace;
    const at = new Date(nowMs).toISOString();
    const body = { messageId, tenant, branch, group, agent: "intruder", at, ...content };
    this.#world.note(() => `intruder sends ${JSON.stringify(body)}`);
    const properties = eventProperties({ id: messageId, source: "agent/intruder", type, time: at });
    // A copy, as the wire makes one.
    const copy = JSON.parse(JSON.stringify(body)) as unknown;
    this.#intrude(() => this.#resultsQueue.send([{ messageId, body: copy, properties }]));
  }

  #nextId(): string {
    this.#sent += 1;
    return `x:${this.#sent}`;
  }

  #intrude(effect: () => void): void {
    const before = this.#acting;
    this.#acting = true;
    try {
      effect();
    } catch (error) {
      if (!(error instanceof LockLost)) throw error;
    } finally {
      this.#acting = before;
    }
  }
}
