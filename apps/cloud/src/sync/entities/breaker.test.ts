import { describe, expect, test } from "@jest/globals";
import { type DefinitionCounter, DeleteBreaker } from "@postern/contracts";
import fc from "fast-check";
import { allot, allowance, expiredHours, hourOf, releasedInWindow } from "./breaker";

const breaker = DeleteBreaker.parse({});
const now = Date.parse("2026-03-01T08:30:00Z");
const hoursAgo = (hours: number): string => hourOf(now - hours * 3_600_000);

function counter(sent: number, deletesByHour: Record<string, number> = {}): DefinitionCounter {
  const definition = "directory" as DefinitionCounter["definition"];
  return { id: "counter", type: "counter", definition, version: 1, sent, deletesByHour };
}

describe("the delete breaker", () => {
  test.each([
    [0, 5],
    [40, 5],
    [100, 10],
    [4_999, 499],
    [100_000, 500],
  ])("of %i sent it releases %i", (sent, allowed) => {
    expect(allowance(breaker, sent)).toBe(allowed);
  });

  test("releases within the window count, older ones do not", () => {
    const hours = { [hoursAgo(0)]: 2, [hoursAgo(23)]: 3, [hoursAgo(25)]: 100 };
    expect(releasedInWindow(counter(0, hours), breaker, now)).toBe(5);
    expect(expiredHours(counter(0, hours), breaker, now)).toEqual([hoursAgo(25)]);
  });

  test("never releases past its allowance, however the deletes arrive", () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.array(fc.nat(300), { maxLength: 20 }), (sent, arrivals) => {
        let released = 0;
        for (const wanted of arrivals) {
          released += allot(
            counter(sent, { [hoursAgo(1)]: released }),
            breaker,
            now,
            wanted,
          ).released;
        }
        expect(released).toBeLessThanOrEqual(allowance(breaker, sent));
      }),
    );
  });
});
