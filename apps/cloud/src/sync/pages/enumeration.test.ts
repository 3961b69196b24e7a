import { describe, expect, test } from "@jest/globals";
import type { Checkpoint, CycleId, Version } from "@postern/contracts";
import { SourceError } from "../../ports/source";
import { afterCommit, afterRead, cycleOfRun } from "./enumeration";
import type { ReadPages } from "./work-page-reader";

const version = 7 as Version;
const expired = new SourceError("expired", "410");

function claimAt(checkpoint: Partial<Checkpoint>, spare: number = 1) {
  const versions = [version, ...Array.from({ length: spare }, (_, index) => version + index + 1)];
  const at = { link: "next-1", phase: "enumerating", generation: 3, cycleId: null, ...checkpoint };
  return { checkpoint: at as Checkpoint, versions: versions as Version[] };
}

function read(more: Partial<ReadPages> = {}): ReadPages {
  const changes = [{ type: "user" as const, id: "u1", properties: {} }];
  return {
    changes,
    unreadable: [],
    nextLink: null,
    deltaLink: null,
    failure: undefined,
    startedAtMs: 1_000,
    ...more,
  };
}

describe("after a read", () => {
  test("an expired delta token begins a resync, but not at the beginning of an enumeration", () => {
    expect(afterRead(claimAt({}), version, "incremental", expired, true).kind).toBe("resync");
    const atStart = afterRead(claimAt({ link: null }), version, "resync", expired, true);
    expect(atStart).toEqual({ kind: "wait-for-source", error: expired });
  });

  test("a settled stream without changes ends its poll", () => {
    const nothing = read({ changes: [], deltaLink: "delta-2" });
    const settled = claimAt({ phase: "settled", link: "delta-1" });
    expect(afterRead(settled, version, "incremental", nothing, true)).toMatchObject({
      kind: "end-poll",
      deltaLink: "delta-2",
    });
  });

  test("the first page of an enumeration gives it its generation", () => {
    const first = afterRead(claimAt({ link: null }), version, "initial", read(), true);
    expect(first).toMatchObject({ kind: "page", generation: version });
    const later = afterRead(claimAt({}), version, "initial", read(), true);
    expect(later).toMatchObject({ kind: "page", generation: 3 });
  });

  test("the next page is read ahead with a spare version and time left only", () => {
    const more = read({ nextLink: "next-2" });
    const ahead = (spare: number, timeLeft: boolean) =>
      afterRead(claimAt({}, spare), version, "initial", more, timeLeft);
    expect(ahead(1, true)).toMatchObject({ readAhead: "next-2", link: "next-2", settled: false });
    expect(ahead(0, true)).toMatchObject({ readAhead: null });
    expect(ahead(1, false)).toMatchObject({ readAhead: null });
  });

  test("the last page settles the stream; of a resync it leaves the checkpoint for the sweep", () => {
    const last = read({ deltaLink: "delta-2" });
    const end = afterRead(claimAt({}), version, "initial", last, true);
    expect(end).toMatchObject({ link: "delta-2", settled: true });
    const resync = afterRead(claimAt({}), version, "resync", last, true);
    expect(resync).toMatchObject({ link: "next-1", settled: false });
  });
});

test("after a commit the run ends, sweeps, waits, continues later or takes the next page", () => {
  const next = read({ nextLink: "next-2" });
  const refused = new SourceError("throttled", "429");
  const last = read({ deltaLink: "delta-2" });
  expect(afterCommit({ read: last, settled: true }, true)).toEqual({ kind: "ended" });
  expect(afterCommit({ read: last, settled: false }, false)).toEqual({
    kind: "sweep",
    deltaLink: "delta-2",
  });
  expect(afterCommit({ read: read({ failure: refused }), settled: false }, true)).toEqual({
    kind: "wait-for-source",
    error: refused,
  });
  expect(afterCommit({ read: next, settled: false }, false)).toEqual({ kind: "continue-later" });
  expect(afterCommit({ read: next, settled: false }, true)).toEqual({ kind: "next-page" });
});

test("an enumeration whose cycle no longer exists continues as a resync", () => {
  const message = { cycleId: "c-new" as CycleId, reason: "request" } as const;
  const enumerating = claimAt({ cycleId: "c-old" as CycleId });
  expect(cycleOfRun(message, enumerating, undefined)).toEqual({
    cycleId: "c-old",
    cycleKind: "resync",
    createCycle: true,
  });
  expect(cycleOfRun(message, enumerating, { kind: "initial" })).toMatchObject({
    cycleKind: "initial",
    createCycle: false,
  });
  expect(cycleOfRun(message, claimAt({ phase: "settled" }), undefined)).toEqual({
    cycleId: "c-new",
    cycleKind: "incremental",
    createCycle: false,
  });
});
