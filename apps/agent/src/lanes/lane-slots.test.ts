import { describe, expect, test } from "@jest/globals";
import { type HeldLane, LaneSlots } from "./lane-slots";

/** A lane that records its wake-ups. */
function lane(name: string, woken: string[]): HeldLane {
  return { wake: () => woken.push(name) };
}

function world(count: number, asking: number) {
  const woken: string[] = [];
  const slots = new LaneSlots(count);
  for (let slot = 0; slot < asking; slot += 1) slots.startAsking();
  const [a, b, c] = ["a", "b", "c"].map((name) => lane(name, woken));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three lanes");
  return { slots, woken, a, b, c };
}

describe("the slots of a target", () => {
  test.each([
    [1, 1],
    [3, 3],
    [18, 4],
  ])("let %d slots ask %d at a time", (count, most) => {
    const { slots } = world(count, most - 1);
    expect([slots.mostAsking, slots.mayAsk()]).toEqual([most, true]);
    slots.startAsking();
    expect(slots.mayAsk()).toBe(false);
  });

  test("name no lane while two slots ask", () => {
    const { slots, woken, a, b } = world(8, 2);
    slots.markIdle(a);
    slots.markIdle(b);
    expect([slots.isWanted(a), slots.isWanted(b)]).toEqual([false, false]);
    expect(woken).toEqual([]);
  });

  test("name the lane that has been idle longest, and wake it, when a slot has stopped asking", () => {
    const { slots, woken, a, b } = world(8, 2);
    slots.markIdle(a);
    slots.markIdle(b);
    slots.markWorking(a);
    slots.markIdle(a);
    slots.stopAsking();
    expect(woken).toEqual(["b"]);
    expect([slots.isWanted(a), slots.isWanted(b)]).toEqual([false, true]);
  });

  test("name one lane for each missing slot, also before it is closed", () => {
    const { slots, woken, a, b, c } = world(8, 2);
    for (const held of [a, b, c]) slots.markIdle(held);
    slots.stopAsking();
    slots.endLane(a);
    expect(slots.isWanted(b)).toBe(false);
    slots.stopAsking();
    expect(slots.isWanted(b)).toBe(true);
    slots.endLane(b);
    expect(slots.isWanted(c)).toBe(false);
    slots.confirmClosed();
    slots.startAsking();
    expect(slots.isWanted(c)).toBe(false);
    expect(woken).toEqual(["a", "b"]);
  });

  test("wake a lane that becomes idle while a slot is wanted, and name none that works", () => {
    const { slots, woken, a, b } = world(8, 0);
    slots.markWorking(a);
    expect(slots.isWanted(a)).toBe(false);
    slots.markIdle(b);
    expect(woken).toEqual(["b"]);
    slots.markWorking(b);
    expect(slots.isWanted(b)).toBe(false);
  });

  test("let four slots ask at a time, however many there are", () => {
    const { slots } = world(18, 3);
    expect(slots.mayAsk()).toBe(true);
    slots.startAsking();
    expect(slots.mayAsk()).toBe(false);
    slots.stopAsking();
    expect(slots.mayAsk()).toBe(true);
  });

  test("keep one slot asking, not two, at a target with few slots", () => {
    const { slots, a } = world(3, 1);
    slots.markIdle(a);
    expect(slots.isWanted(a)).toBe(false);
    slots.stopAsking();
    expect(slots.isWanted(a)).toBe(true);
  });
});
