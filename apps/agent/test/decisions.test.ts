import { describe, expect, test } from "@jest/globals";
import {
  type FailureClass,
  type Lane,
  LedgerEntry,
  limits,
  ResultMessage,
  type WorkItem,
  type WorkMessage,
} from "@postern/contracts";
import fc from "fast-check";
import { branch, definition, group, idsInLane, workMessageOf, person, tenant } from "./work";
import { decideFailure, defaultRetryLimits } from "../src/units/failure-policy";
import {
  asksBeforeUnit,
  creditsFor,
  decideLane,
  defaultLaneLimits,
} from "../src/lanes/lane-policy";
import { decideByLedger, ledgerEntryOf, triedEntryOf } from "../src/units/ledger-decision";
import { failuresEach, outagePauseMs } from "@postern/runtime";
import type { Delivery } from "../src/ports/broker";
import { reportOf } from "../src/reports/report";
import { packResults } from "../src/reports/result-packing";
import {
  breakerModel,
  newBreaker,
  probePauseMs,
  slotsAdmitted,
  stepBreaker,
} from "../src/targets/target-breaker";
import { formUnit, type ReadDelivery, roundsOf } from "../src/units/unit-forming";
import type { Verdict } from "../src/units/verdict";
import { waitingReasons } from "../src/units/waiting-reasons";

const lane = `${definition}/03` as Lane;
const ids = idsInLane(40);

function delivered(message: WorkMessage, deliveryCount = 0): ReadDelivery {
  const delivery: Delivery = {
    messageId: message.messageId,
    deliveryCount,
    properties: undefined,
    body: message,
    returnCredit: () => undefined,
  };
  return { delivery, message };
}

const anyMessage = fc
  .array(
    fc.record({ who: fc.integer({ min: 0, max: 39 }), version: fc.integer({ min: 1, max: 9 }) }),
    { minLength: 1, maxLength: 100 },
  )
  .map((items) =>
    workMessageOf(
      lane,
      items.map(({ who, version }) =>
        person({ id: ids[who] ?? "u", version, name: `${who}.${version}` }),
      ),
    ),
  );
const anyBacklog = fc.array(fc.tuple(anyMessage, fc.integer({ min: 0, max: 4 })), {
  minLength: 1,
  maxLength: 12,
});

describe("forming units", () => {
  test("takes every message once, in order, at most a hundred items at a time, suspects alone", () => {
    fc.assert(
      fc.property(anyBacklog, (backlog) => {
        const waiting = backlog.map(([message, count]) => delivered(message, count));
        const taken: ReadDelivery[] = [];
        while (taken.length < waiting.length) {
          const unit = formUnit(waiting.slice(taken.length));
          expect(unit.messages.length).toBeGreaterThan(0);
          if (unit.messages.length > 1)
            expect(unit.itemCount).toBeLessThanOrEqual(limits.itemsPerMessage);
          if (unit.alone) expect(unit.messages).toHaveLength(1);
          expect(unit.alone).toBe(
            unit.messages.some(({ delivery }) => delivery.deliveryCount >= 3),
          );
          taken.push(...unit.messages);
        }
        expect(taken).toEqual(waiting);
      }),
    );
  });

  test("rounds hold each entity at most once and keep the order of an entity's items", () => {
    fc.assert(
      fc.property(anyBacklog, (backlog) => {
        const unit = formUnit(backlog.map(([message, count]) => delivered(message, count)));
        const rounds = roundsOf(unit);
        for (const round of rounds)
          expect(new Set(round.map(({ key }) => key)).size).toBe(round.length);
        if (unit.alone) expect(rounds.every((round) => round.length === 1)).toBe(true);
        const flat = rounds.flat();
        expect(flat).toHaveLength(unit.itemCount);
        for (const key of new Set(flat.map((entry) => entry.key))) {
          const places = flat
            .filter((entry) => entry.key === key)
            .map(({ messageIndex, itemIndex }) => messageIndex * 1_000 + itemIndex);
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});

describe("what a unit's items wait for", () => {
  test("is logged once for each reason, with the number of items and one of them", () => {
    const items = ids.slice(0, 4).map((id) => person({ id, version: 1, name: id }));
    const unit = formUnit([delivered(workMessageOf(lane, items))]);
    const waiting = (message: string): Verdict => ({
      kind: "waiting",
      failure: { class: "dependency", code: "target-conflict", message },
      retryAtMs: 0,
    });
    const done: Verdict = { kind: "done", outcome: "applied" };
    const verdicts = [[waiting("a"), done, waiting("b"), waiting("a")]];
    expect(waitingReasons(unit, verdicts)).toEqual([
      { code: "target-conflict", reason: "a", items: 2, entity: `user:${ids[0]}` },
      { code: "target-conflict", reason: "b", items: 1, entity: `user:${ids[2]}` },
    ]);
    const many = Array.from({ length: 40 }, (_, index) => waiting(`${index} ${"x".repeat(1_000)}`));
    const all = ids.map((id) => person({ id, version: 1, name: id }));
    const reasons = waitingReasons(formUnit([delivered(workMessageOf(lane, all))]), [many]);
    expect(reasons).toHaveLength(5);
    expect(reasons.every(({ reason }) => reason.length <= limits.loggedReasonChars)).toBe(true);
  });
});

describe("the ledger's decision", () => {
  const at = { lane, key: "user:ann" };
  const ann = (version: number, name: string): WorkItem => person({ id: "ann", version, name });

  test("asks the target about a state it has held before when another version may have been applied since", () => {
    const before = ledgerEntryOf(ann(1, "Ann"), at, undefined, "applied", 0);
    expect(decideByLedger(ann(4, "Ann"), before)).toEqual({ kind: "advance" });
    const tried = triedEntryOf(ann(3, "Anna"), at, before, 0);
    expect(tried?.applied).toEqual(before.applied);
    expect(decideByLedger(ann(4, "Ann"), tried)).toEqual({ kind: "apply" });
    // A retry of an older version does not stop the newer one from reaching the target later.
    const older = ledgerEntryOf(ann(2, "An"), at, tried, "applied", 0);
    expect(decideByLedger(ann(4, "An"), older)).toEqual({ kind: "apply" });
    const confirmed = ledgerEntryOf(ann(3, "Anna"), at, older, "applied", 0);
    expect(decideByLedger(ann(4, "Anna"), confirmed)).toEqual({ kind: "advance" });
  });

  test("asks the target about a state that it holds when the message says verify", () => {
    const before = ledgerEntryOf(ann(1, "Ann"), at, undefined, "applied", 0);
    expect(decideByLedger(ann(2, "Ann"), before, true)).toEqual({ kind: "apply" });
    // What is over stays over: a message that comes twice does not ask twice.
    expect(decideByLedger(ann(1, "Ann"), before, true)).toMatchObject({ kind: "recorded" });
    const newer = ledgerEntryOf(ann(3, "Anna"), at, before, "applied", 0);
    expect(decideByLedger(ann(2, "Ann"), newer, true)).toEqual({ kind: "superseded" });
  });

  test("notes what was tried of an entity that the ledger does not know yet", () => {
    const tried = triedEntryOf(ann(2, "Anna"), at, undefined, 0);
    expect(LedgerEntry.parse(tried)).toMatchObject({ id: "user:ann", lane, triedTo: 2 });
    expect(decideByLedger(ann(1, "Ann"), tried)).toEqual({ kind: "apply" });
    expect(decideByLedger(ann(2, "Anna"), tried)).toEqual({ kind: "apply" });
    expect(triedEntryOf(ann(2, "Anna"), at, tried, 0)).toBeUndefined();
    expect(triedEntryOf(ann(1, "Ann"), at, tried, 0)).toBeUndefined();
    expect(triedEntryOf(ann(3, "A"), at, tried, 0)?.triedTo).toBe(3);
  });

  test("never lets a version move back, and applies each state at most once, whatever the order of deliveries", () => {
    const deliveries = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(deliveries, (versions) => {
        let entry: LedgerEntry | undefined;
        const applied: number[] = [];
        for (const version of versions) {
          const item = person({ id: "ann", version, name: `v${Math.ceil(version / 2)}` });
          const decision = decideByLedger(item, entry);
          if (decision.kind === "apply") applied.push(version);
          if (decision.kind === "apply" || decision.kind === "advance") {
            expect((entry?.applied?.version ?? 0) < version).toBe(true);
            entry = ledgerEntryOf(
              item,
              { lane, key: "user:ann" },
              entry,
              decision.kind === "apply" ? "applied" : "unchanged",
              0,
            );
          }
        }
        expect(entry?.applied?.version).toBe(Math.max(...versions));
        expect(applied).toEqual([...new Set(applied)].toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("the failure policy", () => {
  const facts = fc.record({
    class: fc.constantFrom<FailureClass>(
      "transient",
      "throttled",
      "dependency",
      "permanent",
      "poison",
      "target-down",
    ),
    retryAfterMs: fc.option(fc.integer({ min: 0, max: 600_000 }), { nil: undefined }),
    triesInPlace: fc.integer({ min: 1, max: 6 }),
    elapsedMs: fc.integer({ min: 0, max: 30 * 3_600_000 }),
    jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });

  test("ends within a day, waits no less than the target asks, and tries in place at most twice more", () => {
    fc.assert(
      fc.property(
        facts,
        ({ class: failureClass, retryAfterMs, triesInPlace, elapsedMs, jitter }) => {
          const nowMs = 1_800_000_000_000;
          const decision = decideFailure(
            {
              failure: {
                class: failureClass,
                code: "target-busy",
                message: "no",
                ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
              },
              triesInPlace,
              firstAttemptMs: nowMs - elapsedMs,
              nowMs,
              jitter,
            },
            defaultRetryLimits,
          );
          switch (decision.kind) {
            case "again-now":
              expect(triesInPlace).toBeLessThanOrEqual(2);
              expect(decision.delayMs).toBeGreaterThanOrEqual(Math.min(retryAfterMs ?? 0, 250));
              expect(decision.delayMs).toBeLessThan(300);
              break;
            case "wait":
              expect(elapsedMs).toBeLessThan(defaultRetryLimits.giveUpAfterMs);
              expect(decision.retryAtMs).toBeGreaterThan(nowMs + 3_000);
              expect(decision.retryAtMs).toBeLessThanOrEqual(
                Math.max(nowMs - elapsedMs + defaultRetryLimits.giveUpAfterMs, nowMs + 5_000),
              );
              break;
            case "dead-letter":
              expect(
                ["permanent", "poison"].includes(failureClass) ||
                  elapsedMs >= defaultRetryLimits.giveUpAfterMs,
              ).toBe(true);
              break;
            case "target-down":
              expect(failureClass).toBe("target-down");
              break;
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("doubles the wait from one try to the next, up to an hour", () => {
    const waits: number[] = [];
    let nowMs = 0;
    for (let tries = 0; tries < 14; tries += 1) {
      const decision = decideFailure(
        {
          failure: { class: "dependency", code: "target-reference-missing", message: "no" },
          triesInPlace: 9,
          firstAttemptMs: 0,
          nowMs,
          jitter: 0.5,
        },
        defaultRetryLimits,
      );
      if (decision.kind !== "wait") throw new Error(`unexpected ${decision.kind}`);
      waits.push((decision.retryAtMs - nowMs) / 1_000);
      nowMs = decision.retryAtMs;
    }
    expect(waits).toEqual([5, 5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600, 3_600]);
  });
});

describe("the target breaker", () => {
  test("admits slots only when the target was proven, and only one after a failure", () => {
    const events = fc.array(fc.constantFrom(...breakerModel.transitions.map(({ on }) => on)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(events, (happened) => {
        let breaker = newBreaker;
        for (const event of happened) {
          const before = breaker;
          breaker = stepBreaker(breaker, event);
          const admitted = slotsAdmitted(breaker, 8);
          if (event === "target-down" && before.state === "closed") expect(admitted).toBe(0);
          if (event === "probe-passed" && before.state === "open") expect(admitted).toBe(1);
          if (breaker.failures > 0) expect(probePauseMs(breaker, 0.5)).toBeLessThanOrEqual(10_000);
        }
        if (breaker.state === "closed") expect(breaker.failures).toBe(0);
      }),
    );
  });
});

describe("the lane policy", () => {
  test("gives a lane up after its items, its time or an idle pause, and never keeps it past its time", () => {
    expect(
      decideLane({ itemsTaken: 500, heldMs: 10, idleMs: 0, wanted: false }, defaultLaneLimits),
    ).toEqual({ kind: "give-up", because: "share" });
    expect(
      decideLane({ itemsTaken: 1, heldMs: 5_000, idleMs: 0, wanted: false }, defaultLaneLimits),
    ).toEqual({ kind: "give-up", because: "share" });
    expect(
      decideLane({ itemsTaken: 1, heldMs: 100, idleMs: 30, wanted: true }, defaultLaneLimits),
    ).toEqual({ kind: "give-up", because: "idle" });
    expect(
      decideLane({ itemsTaken: 1, heldMs: 4_900, idleMs: 30, wanted: false }, defaultLaneLimits),
    ).toEqual({ kind: "keep", forMs: 100 });
  });

  test("asks ahead for enough small messages to fill a unit, and for few large ones", () => {
    expect(creditsFor(1)).toBe(64);
    expect(creditsFor(100)).toBe(3);
    expect(creditsFor(undefined)).toBe(16);
  });

  test("lets a lone message go first, and keeps a backlog coming", () => {
    expect(asksBeforeUnit(1, creditsFor(1))).toBe(false);
    expect(asksBeforeUnit(1, creditsFor(100))).toBe(false);
    expect(asksBeforeUnit(2, creditsFor(100))).toBe(true);
    expect(asksBeforeUnit(32, creditsFor(1))).toBe(true);
  });
});

describe("pauses in an outage", () => {
  test("grow to four seconds and obey the service", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 20].map((failures) => outagePauseMs(failures, 1))).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 4_000, 4_000,
    ]);
    expect(outagePauseMs(1, 0, 2_000)).toBe(2_000);
  });

  test("grow with the failures of each asking slot, not of all slots together", () => {
    expect([1, 4, 5, 8, 28].map((failures) => failuresEach(failures, 4))).toEqual([1, 1, 2, 2, 7]);
  });
});

describe("reports", () => {
  const context = { agent: "vm-1" as never, nowMs: 1_800_000_000_000, traceparent: undefined };
  const source = { tenant, branch, group, agent: context.agent };
  const wide = (count: number, chars: number, char = "å"): WorkMessage =>
    workMessageOf(
      lane,
      ids.slice(0, count).map((id) => person({ id, version: 1, name: char.repeat(chars) })),
    );
  const failed: Verdict = {
    kind: "waiting",
    failure: { class: "dependency", code: "target-reference-missing", message: "r".repeat(3_000) },
    retryAtMs: 1_800_000_009_000,
  };
  const done: Verdict = { kind: "done", outcome: "applied" };

  test("of the largest messages fit into a message, even when every item fails, and lose none", () => {
    for (const [count, chars, char] of [
      [40, 2_400, "å"],
      [6, 16_000, "å"],
      [3, 32_000, "å"],
      [40, 10, "å"],
      // Six bytes each in JSON.
      [40, 800, "\u0001"],
      [40, 2_400, '"'],
      [40, 1_600, "漢"],
    ] as const) {
      const message = wide(count, chars, char);
      const results = reportOf(
        message,
        message.items.map(() => failed),
        context,
      );
      const packed = packResults([{ results, deliveries: "x" }], source, {
        wallMs: context.nowMs,
        traceparent: undefined,
      });
      for (const { body } of packed) {
        expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(250 * 1_024);
        expect(ResultMessage.safeParse(body).success).toBe(true);
      }
      expect(results.flatMap(({ items }) => items.map(({ itemId }) => itemId))).toEqual(
        message.items.map(({ itemId }) => itemId),
      );
    }
  });

  test("are split into the same parts with the same ids whatever the outcomes of the items", () => {
    const message = wide(40, 2_400);
    const shape = (verdict: Verdict): [string, number][] =>
      reportOf(
        message,
        message.items.map(() => verdict),
        context,
      ).map(({ workMessageId, items }) => [workMessageId, items.length]);
    expect(shape(failed)).toEqual(shape(done));
    expect(shape(done).length).toBeGreaterThan(1);
    expect(shape(done)[0]?.[0]).toBe(message.messageId);
    expect(new Set(shape(done).map(([id]) => id)).size).toBe(shape(done).length);
  });

  test("have a different id when the message holds different results", () => {
    const parts = [0, 1, 2].map((part) =>
      workMessageOf(
        lane,
        ids
          .slice(part * 10, part * 10 + 10)
          .map((id) => person({ id, version: 1, name: "x".repeat(8_000) })),
        { part: `${part}` },
      ),
    );
    const pack = (verdict: Verdict) =>
      packResults(
        [
          {
            results: parts.flatMap((message) =>
              reportOf(
                message,
                message.items.map(() => verdict),
                context,
              ),
            ),
            // Closing a lane counts no delivery: these counts are the same when the message comes again.
            deliveries: parts.map(({ messageId }) => `${messageId} 0\n`).join(""),
          },
        ],
        source,
        { wallMs: context.nowMs, traceparent: undefined },
      );
    const carriedBy = (messages: ReturnType<typeof pack>): Map<string, string> =>
      new Map(
        messages.map(({ messageId, body }) => [
          messageId,
          ResultMessage.parse(body)
            .results.map(({ workMessageId }) => workMessageId)
            .join(" "),
        ]),
      );
    const [first, second] = [carriedBy(pack(failed)), carriedBy(pack(done))];
    expect(first.size).toBeGreaterThan(second.size);
    for (const [id, carried] of second) expect(first.get(id) ?? carried).toBe(carried);
    expect(carriedBy(pack(failed))).toEqual(first);
  });

  test("reject an undone item as a broken assumption", () => {
    const message = wide(1, 1);
    expect(() => reportOf(message, [{ kind: "undone" }], context)).toThrow("must not be reported");
  });
});
