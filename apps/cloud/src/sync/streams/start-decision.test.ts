import { describe, expect, test } from "@jest/globals";
import type { Checkpoint, StartMessage } from "@postern/contracts";
import { decideStart } from "./start-decision";

const nowMs = Date.parse("2026-03-01T08:00:00Z");
const at = (offsetMs: number): string => new Date(nowMs + offsetMs).toISOString();

function checkpoint(more: Partial<Checkpoint> = {}): Checkpoint {
  return {
    id: "checkpoint:users",
    type: "checkpoint",
    definition: "directory" as Checkpoint["definition"],
    stream: "users",
    link: "https://graph/next",
    phase: "settled",
    page: 7,
    version: 1,
    owner: null,
    leaseUntil: null,
    cycleId: null,
    generation: 1,
    polledAt: at(-10_000),
    ...more,
  };
}

function decide(message: Partial<StartMessage>, state: Partial<Checkpoint> = {}) {
  const value = checkpoint(state);
  return decideStart(
    { reason: "timer", tick: at(0), ...message },
    { checkpoint: value, polledAtMs: Date.parse(value.polledAt ?? at(-1e9)), owner: "me", nowMs },
  );
}

describe("a start message leads to", () => {
  test("nothing, when the stream was polled after its tick", () => {
    expect(decide({ tick: at(-10_000) })).toEqual({ kind: "nothing" });
    expect(decide({ tick: at(-10_001), reason: "request" })).toEqual({ kind: "nothing" });
  });

  test("a run, when the tick is newer", () => {
    expect(decide({ tick: at(-9_999) })).toEqual({ kind: "run" });
  });

  test("nothing, when it continues an enumeration that has ended", () => {
    expect(decide({ reason: "continuation", page: 7 })).toEqual({ kind: "nothing" });
  });

  test("the current page instead of the one that it names", () => {
    const state = { phase: "enumerating" } as const;
    expect(decide({ reason: "continuation", page: 6 }, state)).toEqual({
      kind: "continue-instead",
    });
    expect(decide({ reason: "continuation", page: 7 }, state)).toEqual({ kind: "run" });
  });

  test("waiting, while another instance's lease lives or the source wants rest", () => {
    const leave = { kind: "leave", untilMs: nowMs + 5_000 };
    expect(decide({}, { owner: "other", leaseUntil: at(5_000) })).toEqual(leave);
    expect(decide({}, { owner: null, leaseUntil: at(5_000) })).toEqual(leave);
  });

  test("a run, when the lease is its own or over", () => {
    expect(decide({}, { owner: "me", leaseUntil: at(5_000) })).toEqual({ kind: "run" });
    expect(decide({}, { owner: "other", leaseUntil: at(-1) })).toEqual({ kind: "run" });
  });

  test("a run on a settled stream, for entities on demand", () => {
    const onDemand = {
      jobId: "j1" as NonNullable<StartMessage["onDemand"]>["jobId"],
      entities: [{ type: "user" as const, id: "1" }],
    };
    expect(decide({ onDemand, tick: at(-60_000) })).toEqual({ kind: "run" });
  });
});
