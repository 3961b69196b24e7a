import { expect, test } from "@jest/globals";
import { Actor, type DeadLetter, deadLetterActionsListed, MessageId } from "@postern/contracts";
import fc from "fast-check";
import {
  type Order,
  replayChance,
  replayClaimMs,
  withClaimGivenUp,
  withDiscard,
  withFailureAgain,
  withReplay,
  withReplaySent,
} from "./dead-letter";
import { nextReplayNumber } from "./replay/replay-id";

const nowMs = Date.parse("2026-11-21T09:00:00.000Z");
const order: Order = {
  by: Actor.parse({ oid: "o", azp: "a", name: "ada" }),
  reason: "ticket 4711",
  traceId: "0af7651916cd43dd8448eb211c80319c",
};
const open: DeadLetter = {
  id: "20261121T080000250Z-x",
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
  messageId: "people:7.00.0#0",
  cycleId: "c1",
  traceparent: null,
  attempts: [],
  deliveryCount: 0,
  payload: "{}",
  payloadTruncated: false,
  proven: true,
  deadLetteredAt: "2026-11-21T08:00:00.250Z",
};
const replay = (letter: DeadLetter, atMs = nowMs, by = order.by): DeadLetter =>
  withReplay(
    letter,
    {
      messageId: MessageId.parse(`m#replay-${nextReplayNumber(letter)}`),
      number: nextReplayNumber(letter),
      superseded: false,
      scheduledAtMs: undefined,
      nowMs: atMs,
    },
    { ...order, by },
  );

test("a claimed replay belongs to its request until the claim expires, and keeps its number after that", () => {
  const claimed = replay(open);
  expect(replayChance(claimed, nowMs + replayClaimMs - 1)).toMatchObject({ kind: "done" });
  expect(replayChance(claimed, nowMs + replayClaimMs)).toMatchObject({ kind: "resend" });
  expect(replayChance(withClaimGivenUp(claimed, nowMs), nowMs)).toMatchObject({ kind: "resend" });
  expect(nextReplayNumber(claimed)).toBe(1);
  const again = replay(claimed, nowMs + replayClaimMs);
  expect(again.actions?.map(({ action }) => action)).toEqual(["replay", "resend"]);
  expect(replayChance(withReplaySent(again, nowMs), nowMs * 2)).toMatchObject({ kind: "done" });
});

test("sending again is one step in the history of each who asks, under whatever trace id", () => {
  const others = [
    { ...order.by, oid: "p" },
    { ...order.by, azp: "b" },
  ];
  let letter = replay(replay(replay(open)));
  expect(letter.actions?.map(({ action }) => action)).toEqual(["replay", "resend"]);
  for (const by of others) letter = replay(letter, nowMs, by);
  expect(letter.actions?.slice(2).map(({ by }) => by)).toEqual(others);
});

test("what was discarded can neither be replayed nor discarded again", () => {
  const discarded = withDiscard(open, order, nowMs);
  if (discarded === undefined) throw new Error("an open letter can be discarded");
  expect(replayChance(discarded, nowMs)).toEqual({ kind: "discarded" });
  expect(withDiscard(discarded, order, nowMs)).toBeUndefined();
  expect(withFailureAgain(discarded, open, nowMs)).toBeUndefined();
});

test("its history lists every step in order and has a limited length", () => {
  const step = fc.constantFrom("replay", "fail", "discard", "sent");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let letter = open;
      for (const each of steps) {
        if (each === "replay" && replayChance(letter, nowMs).kind === "new")
          letter = replay(letter);
        if (each === "sent") letter = withReplaySent(letter, nowMs);
        if (each === "fail") letter = withFailureAgain(letter, open, nowMs) ?? letter;
        if (each === "discard") letter = withDiscard(letter, order, nowMs) ?? letter;
      }
      const actions = letter.actions ?? [];
      expect(actions.length).toBeLessThanOrEqual(deadLetterActionsListed);
      expect(actions.at(-1)?.to ?? "open").toBe(letter.state);
      for (const [index, action] of actions.entries()) {
        const before = actions[index - 1];
        if (before !== undefined) expect(action.from).toBe(before.to);
      }
      // Open ones are kept for good; closed ones are history.
      expect(letter.ttl === undefined).toBe(letter.state === "open");
    }),
  );
});
