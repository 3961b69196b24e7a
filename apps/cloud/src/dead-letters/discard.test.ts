import { beforeEach, expect, test } from "@jest/globals";
import type { DeadLetter } from "@postern/contracts";
import type { AuditEntry } from "../audit/audit-trail";
import { discardAsRead, discardDeadLetters } from "./discard";
import type { Stored } from "../ports/stores";

const letter: DeadLetter = {
  id: "d1",
  group: "main",
  state: "open",
  source: "results",
  by: "agent",
  code: "target-rejected",
  reason: "too long",
  definition: "people",
  target: "hr-db",
  entity: "user:u",
  itemId: "people:user:u:7",
  version: 7,
  messageId: "m",
  cycleId: "c1",
  traceparent: null,
  attempts: [],
  deliveryCount: 0,
  payload: "{}",
  payloadTruncated: false,
  proven: true,
  deadLetteredAt: "2026-11-21T08:00:00.250Z",
};
const read: Stored<DeadLetter> = { value: letter, etag: '"1"' };
const order = {
  by: { oid: "o", azp: "a", name: "ada" },
  reason: "seen it",
  traceId: "0af7651916cd43dd8448eb211c80319c",
};

let stored: Stored<DeadLetter>;
let audit: AuditEntry[];
let loseReply: boolean;
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => logger,
};
const ports: Parameters<typeof discardAsRead>[0] = {
  letters: {
    list: () => Promise.reject(new Error("not listed here")),
    replayable: () => Promise.reject(new Error("not listed here")),
    unfinished: () => Promise.reject(new Error("not listed here")),
    groupsOf: () => Promise.reject(new Error("not looked for here")),
    read: async () => stored,
    replace: async (value, etag) => {
      if (etag !== stored.etag) return undefined;
      stored = { value, etag: '"3"' };
      return loseReply ? undefined : stored;
    },
  },
  audit: { add: async (entry) => void audit.push(entry) },
  clock: { now: () => Date.parse("2026-11-21T09:00:00.000Z") },
  random: { next: () => 0.5, uuid: () => "u" },
  logger,
};

beforeEach(() => {
  stored = read;
  audit = [];
  loseReply = false;
});

test("as it was read, a letter that has changed meanwhile stays open", async () => {
  stored = { value: { ...letter, reason: "another failure" }, etag: '"2"' };
  await expect(discardAsRead(ports, read, order)).rejects.toMatchObject({
    code: "precondition-failed",
  });
  expect([stored.value.state, audit]).toEqual(["open", []]);
});

test("a letter is discarded as it was read although the response of its write was lost", async () => {
  loseReply = true;
  expect(await discardAsRead(ports, read, order)).toMatchObject({ outcome: "discarded" });
  expect(audit).toMatchObject([{ action: "discardDeadLetter", reason: "seen it" }]);
});

test("otherwise a letter that has changed and is open is discarded as it is now", async () => {
  stored = { value: { ...letter, reason: "another failure" }, etag: '"2"' };
  expect(await discardDeadLetters(ports, [read], order)).toMatchObject([{ outcome: "discarded" }]);
  expect(stored.value).toMatchObject({ state: "discarded", reason: "another failure" });
});
