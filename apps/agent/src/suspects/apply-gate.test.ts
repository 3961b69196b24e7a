import { describe, expect, test } from "@jest/globals";
import { type Clock, systemClock } from "@postern/runtime";
import { ApplyGate } from "./apply-gate";

const { signal } = new AbortController();

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { promise, resolve: () => resolve(undefined) };
}

/** A clock whose sleeps end only when they are aborted: no wait runs out. */
const patient: Clock = {
  ...systemClock,
  monotonicMs: () => 0,
  sleep: (_, aborted) =>
    new Promise((resolve) => aborted?.addEventListener("abort", () => resolve(), { once: true })),
};
/** A clock on which every sleep ends immediately. */
function hasty(): Clock {
  let nowMs = 0;
  return {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: async (durationMs) => {
      nowMs += durationMs;
    },
  };
}

describe("the gate", () => {
  test("starts a suspect when everything else has ended, and delays later work", async () => {
    const gate = new ApplyGate(patient);
    const order: string[] = [];
    const first = deferred();
    const suspect = deferred();
    const running = gate.together(signal, () => first.promise);
    const tried = gate.alone(signal, async (alone) => {
      order.push(`suspect ${alone ? "alone" : "in company"}`);
      await suspect.promise;
      order.push("suspect ended");
    });
    const later = gate.together(signal, async () => void order.push("later"));
    await systemClock.turn();
    expect(order).toEqual([]);
    first.resolve();
    await running;
    await systemClock.turn();
    expect(order).toEqual(["suspect alone"]);
    suspect.resolve();
    await Promise.all([tried, later]);
    expect(order).toEqual(["suspect alone", "suspect ended", "later"]);
  });

  test("lets one suspect in at a time", async () => {
    const gate = new ApplyGate(patient);
    let inside = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({ length: 5 }, () =>
        gate.alone(signal, async (alone) => {
          inside += 1;
          most.push(alone ? inside : 99);
          await systemClock.turn();
          inside -= 1;
        }),
      ),
    );
    expect(most).toEqual([1, 1, 1, 1, 1]);
  });

  test("tells a suspect that it is not alone when another target does not finish", async () => {
    const gate = new ApplyGate(hasty());
    const slow = deferred();
    const running = gate.together(signal, () => slow.promise);
    expect(await gate.alone(signal, async (alone) => alone)).toBe(false);
    slow.resolve();
    await running;
    expect(await gate.alone(signal, async (alone) => alone)).toBe(true);
  });

  test("tells no suspect that it is alone while one that started in company is running", async () => {
    const gate = new ApplyGate(hasty());
    const slow = deferred();
    const first = deferred();
    const running = gate.together(signal, () => slow.promise);
    const inCompany = gate.alone(signal, async (alone) => {
      await first.promise;
      return alone;
    });
    await systemClock.turn();
    slow.resolve();
    await running;
    expect(await gate.alone(signal, async (alone) => alone)).toBe(false);
    first.resolve();
    expect(await inCompany).toBe(false);
    expect(await gate.alone(signal, async (alone) => alone)).toBe(true);
  });

  test("lets work join a suspect only after its record has been withdrawn, once", async () => {
    const gate = new ApplyGate(hasty());
    const order: string[] = [];
    const hanging = deferred();
    const suspect = gate.alone(
      signal,
      () => hanging.promise,
      async () => {
        await systemClock.turn();
        order.push("withdrawn");
      },
    );
    await Promise.all([
      gate.together(signal, async () => void order.push("joined")),
      gate.alone(signal, async (alone) => void order.push(alone ? "alone" : "joined")),
    ]);
    expect(order).toEqual(["withdrawn", "joined", "joined"]);
    hanging.resolve();
    await suspect;
    expect(await gate.alone(signal, async (alone) => alone)).toBe(true);
    expect(order).toHaveLength(3);
  });

  test("does not keep other targets waiting for a suspect that hangs", async () => {
    const gate = new ApplyGate(hasty());
    const hanging = deferred();
    const suspect = gate.alone(signal, () => hanging.promise);
    expect(await gate.together(signal, async () => "done")).toBe("done");
    hanging.resolve();
    await suspect;
  });
});
