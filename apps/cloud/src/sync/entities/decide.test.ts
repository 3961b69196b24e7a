import { expect, test } from "@jest/globals";
import { type IndexEntry, LANE_COUNT, lanesOf } from "@postern/contracts";
import type { DefinitionId } from "@postern/contracts";
import { type CompiledDefinition } from "../mapping/compiled-definition";
import { type Decision, type Draft, hold, settle } from "./decide";

const [lane] = lanesOf("people" as DefinitionId);

function draftOf(decision: Decision): Draft {
  const entity = { type: "user", id: "ann" } as const;
  const before: IndexEntry = {
    id: "user:ann",
    lane: lane ?? (`people/${LANE_COUNT}` as IndexEntry["lane"]),
    entity,
    source: {},
    exists: false,
    inScope: true,
    sent: true,
    version: 5,
    generation: 1,
    desired: "present",
    targetKey: { id: "ann" },
    held: 5,
  };
  return { before, etag: "1", after: { ...before, exists: true, version: 6 }, decision };
}

const context = { compiled: {} as CompiledDefinition, committed: new Set<number>() };

test.each<[string, Decision]>([
  [
    "goes out",
    { kind: "present", key: { id: "ann" }, values: {}, watched: {}, counted: undefined },
  ],
  ["cannot be mapped", { kind: "failed", code: "mapping-failed", reason: "no display name" }],
  ["has nothing to send", { kind: "nothing" }],
])("a newer state that %s ends the hold of the older one", (_, decision) => {
  const draft = draftOf(decision);
  settle(draft, context);
  expect(draft.after.held).toBeUndefined();
});

test("a newer state that is held as well is held under its own version", () => {
  const draft = draftOf({ kind: "absent", key: { id: "ann" }, counted: "delete" });
  hold(draft, context);
  expect(draft.after).toMatchObject({ held: 6, desired: "present" });
});
