import { describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { itemIdOf, LANE_COUNT, laneOf, lanesOf, membershipRef, streamOf, streams } from "./entity";
import { entityKey } from "./entity-key";
import { DefinitionId, ItemId, Lane, Version } from "./ids";

const people = DefinitionId.parse("people");

/** Ids as Graph has them, the same in every run. */
function guid(seed: number): string {
  const hex = createHash("sha256").update(String(seed)).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

describe("lanes", () => {
  test.each(["user", "group", "membership"] as const)(
    "take even shares of entities of type %s",
    (type) => {
      const counts = new Map<string, number>(lanesOf(people).map((lane) => [lane, 0]));
      for (let index = 0; index < 32_000; index += 1) {
        const id = type === "membership" ? `${guid(index % 40)}/${guid(index)}` : guid(index);
        const lane = laneOf(people, { type, id });
        counts.set(lane, (counts.get(lane) ?? 0) + 1);
      }
      expect(counts.size).toBe(LANE_COUNT);
      // 2,000 expected each; seven standard deviations are 300.
      for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(300);
    },
  );

  test("take even shares of ids that only count up", () => {
    const lanes = Array.from({ length: 1_600 }, (_, index) =>
      laneOf(people, { type: "user", id: `u${index}` }),
    );
    const counts = lanesOf(people).map((lane) => lanes.filter((each) => each === lane).length);
    expect(Math.max(...counts)).toBeLessThan(160);
    expect(Math.min(...counts)).toBeGreaterThan(40);
  });

  test("never change: these are pinned, since queues and ledgers of running systems depend on them", () => {
    const ids = [
      "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
      "02bd9fd6-8f93-4758-87c3-1fb73740a315",
      "",
      "é",
    ];
    expect(ids.map((id) => laneOf(people, { type: "user", id }))).toMatchInlineSnapshot(`
      [
        "people/02",
        "people/14",
        "people/02",
        "people/01",
      ]
    `);
  });

  test("are valid session ids and partition keys", () => {
    for (const lane of lanesOf(people)) expect(Lane.safeParse(lane).success).toBe(true);
    expect(lanesOf(people).length).toBe(LANE_COUNT);
  });
});

describe("keys of entities", () => {
  test("hold nothing that Cosmos refuses in an id", () => {
    expect(entityKey({ type: "user", id: "a/b\\c?d#e" })).toBe("user:a:b:c:d:e");
  });

  test("tell a user from a group of the same id, and a membership by both its ends", () => {
    expect(entityKey({ type: "user", id: "x" })).not.toBe(entityKey({ type: "group", id: "x" }));
    expect(entityKey(membershipRef("g", "u"))).toBe("membership:g:u");
  });

  test("make item ids that name definition, entity and version", () => {
    const id = itemIdOf(people, membershipRef(guid(1), guid(2)), Version.parse(1_795_248_000_017));
    expect(ItemId.safeParse(id).success).toBe(true);
    expect(id).toBe(`people:membership:${guid(1)}:${guid(2)}:1795248000017`);
  });

  test("come from the stream that Graph reports them in", () => {
    expect([streamOf("user"), streamOf("group"), streamOf("membership")]).toEqual([
      "users",
      "groups",
      "groups",
    ]);
    expect(streams).toEqual(["users", "groups"]);
  });
});
