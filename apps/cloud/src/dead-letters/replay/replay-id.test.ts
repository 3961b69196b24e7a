import { expect, test } from "@jest/globals";
import {
  DefinitionId,
  type EntityRef,
  itemIdOf,
  limits,
  MessageId,
  Version,
} from "@postern/contracts";
import fc from "fast-check";
import { replayMessageId, replayOf } from "./replay-id";

const definition = DefinitionId.parse("people");
const version = Version.parse(1_795_248_000_017);
const id = (entity: string, number = 1): string => {
  const ref: EntityRef = { type: "user", id: entity };
  return replayMessageId(
    { definition, version, itemId: itemIdOf(definition, ref, version) },
    number,
  );
};

test("one replay of one item has one id, and another item or number another", () => {
  expect(id("a")).toBe(id("a"));
  expect(new Set([id("a"), id("b"), id("a", 2)]).size).toBe(3);
});

test("the longest names leave room for what a retry adds", () => {
  const longest = DefinitionId.parse("d".repeat(limits.nameChars));
  const most = Version.parse(Number.MAX_SAFE_INTEGER);
  const ref: EntityRef = { type: "membership", id: "e".repeat(limits.entityIdChars) };
  const made = replayMessageId(
    { definition: longest, version: most, itemId: itemIdOf(longest, ref, most) },
    999_999,
  );
  expect(MessageId.parse(`${made}~0123456789abcdef#999999`)).toContain(made);
  // What the results consumer cuts a base to before it adds a retry's suffix.
  expect(made.length).toBeLessThanOrEqual(limits.messageIdChars - 25);
});

test("a replay is recognised in its own id and in those of its retries, and in no other", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 1, max: 999_999 }),
      fc.nat(),
      (entity, number, n) => {
        const made = id(entity, number);
        const expected = { messageId: made, number };
        expect(replayOf(made)).toEqual(expected);
        expect(replayOf(`${made}~0123456789abcdef#${n}`)).toEqual(expected);
      },
    ),
  );
  for (const other of [null, "", "people:1.03.0#1", "people:1.r-abc#release-1", "x#replay-1"]) {
    expect(replayOf(other)).toBeUndefined();
  }
});
