import { describe, expect, test } from "@jest/globals";
import type { ItemId, ItemTrial } from "@postern/contracts";
import {
  CAREFUL_AFTER_CRASHES,
  decideTrial,
  POISON_AFTER_TRIALS,
  poisonReason,
  withoutTrial,
} from "./trial";

const ann = "people:user:ann:1" as ItemId;
const ben = "people:user:ben:1" as ItemId;

/** Lives of the process, each ended while it applies the item. */
function lives(count: number, itemId: ItemId, before: readonly ItemTrial[] = []): ItemTrial[] {
  let trials = before;
  for (let life = 1; life <= count; life += 1) {
    const decision = decideTrial(trials, itemId, `${itemId}-${life}`);
    if (decision.kind === "poison") throw new Error(`given up in life ${life}`);
    trials = decision.trials;
  }
  return [...trials];
}

describe("an item that runs alone", () => {
  test("is given up by the process that follows the last one it may end", () => {
    const trials = lives(POISON_AFTER_TRIALS, ann);
    expect(decideTrial(trials, ann, "next")).toEqual({
      kind: "poison",
      times: POISON_AFTER_TRIALS,
    });
  });

  test("is not blamed by a process that has tried it and survived", () => {
    let trials: readonly ItemTrial[] = lives(POISON_AFTER_TRIALS - 1, ann);
    for (let tries = 0; tries < 20; tries += 1) {
      const decision = decideTrial(trials, ann, "alive");
      if (decision.kind === "poison") throw new Error("blamed");
      trials = decision.trials;
    }
    expect(trials).toEqual([{ itemId: ann, times: POISON_AFTER_TRIALS, process: "alive" }]);
  });

  test("is not blamed for what another item of its message did", () => {
    const trials = lives(POISON_AFTER_TRIALS, ann);
    expect(decideTrial(trials, ben, "next").kind).toBe("try");
  });

  test("stays given up while the next poison item of its message is found out", () => {
    const trials = lives(POISON_AFTER_TRIALS, ben, lives(POISON_AFTER_TRIALS, ann));
    expect(decideTrial(trials, ann, "next").kind).toBe("poison");
    expect(decideTrial(trials, ben, "next").kind).toBe("poison");
  });

  test("starts from zero once it has a verdict", () => {
    const trials = withoutTrial(lives(POISON_AFTER_TRIALS - 1, ann), ann);
    expect(trials).toEqual([]);
  });

  test("stays within the ten attempts that a poison message may have, with those before it ran alone", () => {
    expect(CAREFUL_AFTER_CRASHES + 1 + POISON_AFTER_TRIALS).toBeLessThanOrEqual(10);
  });

  test("is explained in its reason: how often, and what to do", () => {
    const reason = poisonReason(5);
    expect(reason).toMatch(/each of the 5 times/);
    expect(reason).toMatch(/replay this dead letter/);
    // Cut at 1,000 characters in a report.
    expect(reason.length).toBeLessThan(1_000);
  });
});
