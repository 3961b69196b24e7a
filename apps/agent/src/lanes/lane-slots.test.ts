import { describe, expect, test } from "@jest/globals";
import { type HeldLane, LaneSlots } from "./lane-slots";

/** A lane that notes who was woken. */
function lane(name: string, woken: string[]): HeldLane {
  return { wake: () => woken.push(name) };
}

function world(slots: number, asking: number) {
  const woken: string[] = [];
  const book = new LaneSlots(slots);
  for (let slot = 0; slot < asking; slot += 1) book.asks();
  const [a, b, c] = ["a", "b", "c"].map((name) => lane(name, woken));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three lanes");
  return { book, woken, a, b, c };
}

describe("the slots of a target", () => {
  test.each([
    [1, 1],
    [3, 3],
    [18, 4],
  ])("let %d slots ask %d at a time", (slots, most) => {
    const { book } = world(slots, most - 1);
    expect([book.mostAsking, book.mayAsk()]).toEqual([most, true]);
    book.asks();
    expect(book.mayAsk()).toBe(false);
  });

  test("name no lane while two slots ask", () => {
    const { book, woken, a, b } = world(8, 2);
    book.idles(a);
    book.idles(b);
    expect([book.isWanted(a), book.isWanted(b)]).toEqual([false, false]);
    expect(woken).toEqual([]);
  });

  test("name the lane that has been idle longest, and wake it, when a slot has stopped asking", () => {
    const { book, woken, a, b } = world(8, 2);
    book.idles(a);
    book.idles(b);
    book.works(a);
    book.idles(a);
    book.asked();
    expect(woken).toEqual(["b"]);
    expect([book.isWanted(a), book.isWanted(b)]).toEqual([false, true]);
  });

  test("name one lane for each slot that is missing, also before it is closed", () => {
    const { book, woken, a, b, c } = world(8, 2);
    for (const held of [a, b, c]) book.idles(held);
    book.asked();
    book.ends(a);
    expect(book.isWanted(b)).toBe(false);
    book.asked();
    expect(book.isWanted(b)).toBe(true);
    book.ends(b);
    expect(book.isWanted(c)).toBe(false);
    book.closed();
    book.asks();
    expect(book.isWanted(c)).toBe(false);
    expect(woken).toEqual(["a", "b"]);
  });

  test("wake a lane that becomes idle while a slot is wanted, and name none that works", () => {
    const { book, woken, a, b } = world(8, 0);
    book.works(a);
    expect(book.isWanted(a)).toBe(false);
    book.idles(b);
    expect(woken).toEqual(["b"]);
    book.works(b);
    expect(book.isWanted(b)).toBe(false);
  });

  test("let four slots ask at a time, however many there are", () => {
    const { book } = world(18, 3);
    expect(book.mayAsk()).toBe(true);
    book.asks();
    expect(book.mayAsk()).toBe(false);
    book.asked();
    expect(book.mayAsk()).toBe(true);
  });

  test("keep one slot asking, not two, at a target with few", () => {
    const { book, a } = world(3, 1);
    book.idles(a);
    expect(book.isWanted(a)).toBe(false);
    book.asked();
    expect(book.isWanted(a)).toBe(true);
  });
});
