import { expect, test } from "@jest/globals";
import {
  DefinitionId,
  type EntityRef,
  type ItemId,
  itemIdOf,
  limits,
  MessageId,
  Version,
} from "@postern/contracts";
import { releaseMessageId, retryMessageId } from "./item-message-ids";

const definition = DefinitionId.parse("people");
const version = Version.parse(1_795_248_000_017);
const itemId = (entity: string): ItemId => {
  const ref: EntityRef = { type: "user", id: entity };
  return itemIdOf(definition, ref, version);
};
const retry = (entity: string, attempt = 1): string =>
  retryMessageId("people:1795248000017.03.0#0", itemId(entity), attempt);
const release = (entity: string): string =>
  releaseMessageId(definition, { version, itemId: itemId(entity) });

test("every item of a page has its own, constant ids, whatever its content", () => {
  expect(retry("a")).toBe(retry("a"));
  expect(new Set([retry("a"), retry("b"), retry("a", 2)]).size).toBe(3);
  expect(release("a")).toBe(release("a"));
  expect(release("a")).not.toBe(release("b"));
});

test("they keep the form by which they are recognised", () => {
  expect(retry("a")).toMatch(/^people:1795248000017\.03\.0~[0-9a-f]{16}#1$/);
  expect(release("a")).toMatch(/^people:1795248000017\.r-[0-9a-f]{24}#release-1$/);
});

test("a retry of a retry is named after the same message", () => {
  expect(retryMessageId(retry("a"), itemId("a"), 2)).toBe(retry("a", 2));
  const long = retryMessageId("m".repeat(limits.messageIdChars), itemId("a"), 999_999);
  expect(MessageId.parse(long)).toBe(long);
});
