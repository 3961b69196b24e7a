import { describe, expect, test } from "@jest/globals";
import type { Checkpoint, Cycle, CycleStall } from "@postern/contracts";
import fc from "fast-check";
import {
  type AgentSight,
  closeAfterMs,
  decideCycle,
  isTooYoung,
  noPageMs,
  readingIdleMs,
  resultsIdleMs,
  retriesIdleMs,
  type WatchedCycle,
} from "./cycle-watch-decision";

const nowMs = Date.parse("2026-03-01T08:00:00Z");
const at = (offsetMs: number): string => new Date(nowMs + offsetMs).toISOString();
const cycleId = "c1" as Cycle["cycleId"];
const definition = "directory" as Cycle["definition"];

function cycle(more: Partial<Cycle> = {}): Cycle {
  return {
    ...{ id: "cycle:c1", type: "cycle", definition, cycleId, kind: "initial" },
    startedAt: at(-3_600_000),
    streams: { users: "running" },
    ...more,
  };
}

function checkpoint(more: Partial<Checkpoint> = {}): Checkpoint {
  return {
    ...{ id: "checkpoint:users", type: "checkpoint", definition, stream: "users", link: "next" },
    ...{ phase: "enumerating", page: 7, version: 41, owner: null, leaseUntil: null, cycleId },
    ...{ generation: 1, polledAt: at(-readingIdleMs) },
    ...more,
  };
}

function mark(more: Partial<CycleStall> = {}): CycleStall {
  return {
    ...{ reason: "continuation-lost", since: at(-readingIdleMs), noticedAt: at(-60_000) },
    ...{ streams: ["users"], action: "restarted", restarts: 1, restartedAt: at(-60_000) },
    ...{ waitsFor: null, detail: "" },
    ...more,
  };
}

function decide(watched: Partial<WatchedCycle> = {}, stands: Partial<Checkpoint> = {}) {
  return decideCycle(
    {
      cycle: cycle(),
      enabled: true,
      target: "db" as WatchedCycle["target"],
      queue: "sync-main-db",
      checkpoints: new Map([["users", checkpoint(stands)]]),
      pagedAtMs: new Map(),
      movedAtMs: nowMs - resultsIdleMs,
      completed: false,
      pending: 0,
      retrying: 0,
      parked: 0,
      agents: [],
      ...watched,
    },
    nowMs,
  );
}

describe("a cycle that is being read", () => {
  test.each([
    ["its last page is young", { polledAt: at(1 - readingIdleMs) }, {}],
    ["another run has the claim", { owner: "other", leaseUntil: at(1) }, {}],
    ["its lease ran out just now", { owner: "other", leaseUntil: at(1 - readingIdleMs) }, {}],
    ["the source asked for an hour's rest", { leaseUntil: at(3_600_000) }, {}],
    ["another page was committed", { polledAt: null }, { pagedAtMs: new Map([["users", nowMs]]) }],
    ["it has just begun", { polledAt: null }, { cycle: cycle({ startedAt: at(-1) }) }],
    ["a job looks after it", {}, { cycle: cycle({ kind: "on-demand" }) }],
    ["it waits for another cycle's rest", { cycleId: null, leaseUntil: at(1) }, {}],
  ] as const)("is left alone while %s", (_why, stands, watched) => {
    expect(decide(watched as Partial<WatchedCycle>, stands as Partial<Checkpoint>)).toEqual({
      kind: "leave",
    });
  });

  test("of a follow-up, which has no job, is restarted as if it had never begun", () => {
    const entities: Cycle["entities"] = [{ type: "user", id: "ada" }];
    const startedAt = at(-readingIdleMs);
    const followUp = cycle({ kind: "on-demand", entities, startedAt });
    const settled = { phase: "settled", cycleId: null } as const;
    expect(decide({ cycle: followUp }, settled)).toMatchObject({
      kind: "mark",
      stall: { reason: "start-lost" },
      restart: [{ stream: "users", from: null }],
    });
  });

  test.each([
    ["a lost continuation", {}, "continuation-lost", at(-readingIdleMs), true],
    [
      "a run that died in the middle",
      { owner: "gone", leaseUntil: at(-readingIdleMs) },
      "claim-stale",
      at(-readingIdleMs),
      true,
    ],
    [
      "runs that claim and never commit",
      { owner: "dying", leaseUntil: at(30_000), polledAt: at(-noPageMs) },
      "claim-stale",
      at(-noPageMs),
      false,
    ],
    ["a lost start", { phase: "settled", cycleId: null }, "start-lost", at(-3_600_000), true],
    [
      "a start lost behind another cycle",
      { cycleId: "c0" as Cycle["cycleId"] },
      "start-lost",
      at(-3_600_000),
      true,
    ],
  ] as const)("is marked and restarted after %s", (_what, stands, reason, since, asks) => {
    const decision = decide({}, stands);
    expect(decision).toMatchObject({
      kind: "mark",
      stall: {
        ...{ reason, since, noticedAt: at(0), streams: ["users"], action: "restarted" },
        ...{ restarts: asks ? 1 : 0, restartedAt: asks ? at(0) : null },
      },
    });
    if (decision.kind !== "mark") return;
    const from = reason === "start-lost" ? null : expect.objectContaining({ page: 7 });
    expect(decision.restart).toEqual(asks ? [{ stream: "users", from }] : []);
    expect(decision.stall.detail).toContain("'users'");
  });

  test("is restarted less and less often while it does not move", () => {
    const after = (restarts: number, sinceMs: number) =>
      decide({
        cycle: cycle({
          stall: mark({
            ...{ restarts, restartedAt: at(-sinceMs) },
            detail:
              "Stream 'users' is no longer being read; restarting it from the checkpoint, page 8.",
          }),
        }),
      });
    expect(after(1, 119_999)).toEqual({ kind: "leave" });
    expect(after(1, 120_000)).toMatchObject({ kind: "mark", stall: { restarts: 2 } });
    expect(after(3, 359_999)).toEqual({ kind: "leave" });
    expect(after(3, 360_000)).toMatchObject({ kind: "mark", stall: { restarts: 4 } });
    expect(after(90, 600_000)).toMatchObject({ kind: "mark", stall: { restarts: 91 } });
  });

  test("keeps its mark after a mere claim, without a restart, and loses it with a page", () => {
    const stall = mark({ restarts: 1, restartedAt: at(-300_000) });
    const claimed = { owner: "other", leaseUntil: at(50_000) };
    expect(decide({ cycle: cycle({ stall }) }, claimed)).toMatchObject({
      kind: "mark",
      stall: { reason: "claim-stale", restarts: 1 },
      restart: [],
    });
    const paged = { ...claimed, polledAt: at(-1_000) };
    expect(decide({ cycle: cycle({ stall }) }, paged)).toEqual({ kind: "clear" });
  });

  test("of a disabled definition says so and is not restarted", () => {
    expect(decide({ enabled: false })).toMatchObject({
      kind: "mark",
      stall: { reason: "definition-disabled", action: "none", restarts: 0 },
      restart: [],
    });
  });

  test("ends for streams that its definition no longer has", () => {
    expect(decide({ cycle: cycle({ streams: { groups: "running" } }) })).toEqual({
      kind: "drop-streams",
      streams: ["groups"],
    });
    const young = cycle({ streams: { groups: "running" }, startedAt: at(1 - readingIdleMs) });
    expect(decide({ cycle: young })).toEqual({ kind: "leave" });
  });
});

describe("a cycle that has been read to its end", () => {
  const read = { cycle: cycle({ streams: { users: "done" } }), pending: 42 };
  const agent = (id: string, reaches: boolean, reason: string | null = null): AgentSight => ({
    ...{ id, reaches, reason },
  });

  test.each<[string, readonly AgentSight[], string, number]>([
    ["no agent", [], "No agent of the group is online", 0],
    [
      "an agent that does not reach it",
      [agent("a", false, "login refused")],
      "a: login refused",
      0,
    ],
    ["an agent without that target", [agent("a", false)], "a: has no such target", 0],
    ["an agent", [agent("a", false), agent("b", true)], "reached by b", 1],
  ])(
    "waits for results, and says that %s is there to give them",
    (_who, agents, text, reaching) => {
      const decision = decide({ ...read, agents });
      expect(decision).toMatchObject({
        kind: "mark",
        stall: {
          ...{ reason: "results-missing", action: "waiting", since: at(-resultsIdleMs) },
          waitsFor: {
            ...{ items: 42, retrying: 0, parked: 0, target: "db", queue: "sync-main-db" },
            ...{ agentsOnline: agents.length, agentsReaching: reaching },
          },
        },
        restart: [],
      });
      if (decision.kind === "mark") expect(decision.stall.detail).toContain(text);
    },
  );

  test("is left alone while results come, or every item left waits for a retry", () => {
    expect(decide({ ...read, movedAtMs: nowMs - resultsIdleMs + 1 })).toEqual({ kind: "leave" });
    const waits = { ...read, retrying: 42 };
    expect(decide({ ...waits, movedAtMs: nowMs - retriesIdleMs + 1 })).toEqual({ kind: "leave" });
    expect(decide({ ...waits, movedAtMs: nowMs - retriesIdleMs })).toMatchObject({ kind: "mark" });
    const some = decide({ ...read, retrying: 40, parked: 2 });
    const text = "of which 40 wait for a retry and 2 are parked";
    expect(some).toMatchObject({ kind: "mark", stall: { detail: expect.stringContaining(text) } });
  });

  test("is marked again only when the mark changes, and cleared when it moves", () => {
    const first = decide(read);
    if (first.kind !== "mark") throw new Error("it stands");
    const { waitsFor, ...rest } = first.stall;
    // In another order, as a store may give it back.
    const stored = { ...read.cycle, stall: { waitsFor, ...rest } };
    expect(decide({ ...read, cycle: stored })).toEqual({ kind: "leave" });
    expect(decide({ ...read, cycle: stored, agents: [agent("a", true)] })).toMatchObject({
      kind: "mark",
      stall: { noticedAt: at(0), waitsFor: { agentsOnline: 1 } },
    });
    expect(decide({ ...read, cycle: stored, movedAtMs: nowMs })).toEqual({ kind: "clear" });
  });

  test("is closed some time after every outcome has become final", () => {
    const done = { ...read, pending: 0, completed: true };
    expect(decide({ ...done, movedAtMs: nowMs - closeAfterMs + 1 })).toEqual({ kind: "leave" });
    expect(decide({ ...done, movedAtMs: nowMs - closeAfterMs })).toEqual({
      kind: "close",
      closedAtMs: nowMs - closeAfterMs,
    });
  });
});

test("a cycle that is too young is left alone, whatever is stored about it", () => {
  // Nothing of a cycle happened before it began.
  const ages = fc
    .integer({ min: 0, max: 2 * resultsIdleMs })
    .chain((ageMs) =>
      fc.tuple(
        fc.constant(ageMs),
        fc.integer({ min: 0, max: ageMs }),
        fc.integer({ min: 0, max: ageMs }),
      ),
    );
  const streams = fc.constantFrom("running", "done", undefined);
  const stands = fc.record({
    phase: fc.constantFrom("enumerating", "settled"),
    cycleId: fc.constantFrom(cycleId, null),
    owner: fc.constantFrom("other", null),
    leaseUntil: fc.constantFrom(at(-3_600_000), at(-1), at(1), null),
    polledAt: fc.constantFrom(at(-3_600_000), at(-1), null),
  });
  let young = 0;
  fc.assert(
    fc.property(
      ...[ages, streams, streams, stands, fc.boolean(), fc.nat(3), fc.boolean()],
      ([ageMs, movedMs, pagedMs], users, groups, stored, completed, pending, enabled) => {
        const of = cycle({ startedAt: at(-ageMs), streams: { users, groups } as Cycle["streams"] });
        if (!isTooYoung(of, nowMs)) return;
        young += 1;
        const watched = {
          ...{ cycle: of, completed, pending, retrying: 0, enabled, movedAtMs: nowMs - movedMs },
          pagedAtMs: new Map([["users", nowMs - pagedMs] as const]),
        };
        expect(decide(watched, stored as Partial<Checkpoint>)).toEqual({ kind: "leave" });
      },
    ),
    { numRuns: 2_000 },
  );
  expect(young).toBeGreaterThan(200);
  // A mark is looked after from the first minute on.
  expect(isTooYoung(cycle({ startedAt: at(0), stall: mark() }), nowMs)).toBe(false);
});
