import { describe, expect, test } from "@jest/globals";
import {
  DeadLetter,
  type EntityRef,
  type GroupName,
  IndexEntry,
  laneOf,
  SyncDefinition,
  type TargetName,
  type Version,
} from "@postern/contracts";
import { indexedItem } from "../../sync/entities/indexed-item";
import { makeItem } from "../../work/work-messages";
import { type Present, validateReplay } from "./replay-validation";

const definition = SyncDefinition.parse({
  id: "people",
  group: "main",
  target: "db",
  users: { object: "people", key: { id: "id" }, columns: { name: "displayName" } },
});
const remapped = SyncDefinition.parse({
  ...definition,
  users: { object: "people", key: { id: "id" }, columns: { name: "displayName", title: "id" } },
});
const entity: EntityRef = { type: "user", id: "ann" };
const version = 1_700_000_000_000 as Version;
const sent = makeItem(definition, entity, version, {
  desired: "present",
  object: "people",
  key: { id: "ann" },
  values: { name: "Ann" },
});

function entryOf(more: Partial<IndexEntry> = {}): IndexEntry {
  return IndexEntry.parse({
    id: "user:ann",
    lane: laneOf(definition.id, entity),
    entity,
    source: { id: "ann", displayName: "Ann" },
    exists: true,
    inScope: true,
    sent: true,
    desired: "present",
    targetKey: { id: "ann" },
    version,
    generation: version,
    ...more,
  });
}

function letterOf(more: Partial<DeadLetter> = {}): DeadLetter {
  return DeadLetter.parse({
    id: "20260101T000000000Z-letter",
    group: "main",
    state: "open",
    source: "results",
    by: "agent",
    code: "target-rejected",
    reason: "refused",
    definition: "people",
    target: "db",
    entity: "user:ann",
    itemId: sent.itemId,
    version,
    messageId: "people:1700000000000.00.0#0",
    cycleId: "c20260101T000000000Z",
    traceparent: null,
    attempts: [],
    deliveryCount: 0,
    payload: "",
    payloadTruncated: false,
    proven: false,
    hash: sent.hash,
    deadLetteredAt: "2026-01-01T00:00:00.000Z",
    ...more,
  });
}

function presentOf(entry: IndexEntry, now: SyncDefinition = definition): Present {
  return {
    definitions: new Map([[now.id as string, now]]),
    groups: [
      { name: "main" as GroupName, targets: ["db" as TargetName] },
      { name: "other" as GroupName, targets: ["db" as TargetName] },
    ],
    entries: new Map([[letterOf().id, entry]]),
    indexedItem,
  };
}

const proven = { proven: true, payload: JSON.stringify(sent) };

describe("a letter whose payload proves nothing", () => {
  test("is sent again as the index has it, if that is what was sent", () => {
    expect(validateReplay(letterOf(), presentOf(entryOf()))).toMatchObject({
      ok: true,
      value: { item: sent },
    });
  });

  test("is refused when the mapping has changed since: one version never has two contents", () => {
    const validation = validateReplay(letterOf(), presentOf(entryOf(), remapped));
    expect(validation).toMatchObject({ ok: false, problems: [{ field: "payload" }] });
  });

  test("is refused when the source has changed since under the same version", () => {
    const entry = entryOf({ source: { id: "ann", displayName: "Anna" } });
    expect(validateReplay(letterOf(), presentOf(entry)).ok).toBe(false);
  });

  test("is refused when no proof says what was sent", () => {
    const { hash: _hash, ...letter } = letterOf();
    expect(validateReplay(letter, presentOf(entryOf())).ok).toBe(false);
  });

  test("keeps its own version when a newer one is on its way, which supersedes it", () => {
    const entry = entryOf({ version: version + 5 });
    expect(validateReplay(letterOf(), presentOf(entry, remapped))).toMatchObject({
      ok: true,
      value: { item: { version, itemId: sent.itemId } },
    });
  });
});

describe("a letter of another group than its definition's of today", () => {
  test("is refused: one group's agents must not write to another's target", () => {
    const validation = validateReplay(
      letterOf({ ...proven, group: "other" }),
      presentOf(entryOf()),
    );
    expect(validation).toMatchObject({ ok: false, problems: [{ field: "group" }] });
  });

  test("is sent again by its own", () => {
    expect(validateReplay(letterOf(proven), presentOf(entryOf())).ok).toBe(true);
  });
});
