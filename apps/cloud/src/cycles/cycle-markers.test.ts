import { describe, expect, test } from "@jest/globals";
import type { Marker } from "@postern/contracts";
import { waitsOf } from "./cycle-markers";

const message = "people:1767225600000.03.0";
const retry = (nth: number): string => `${message}~${"ab".repeat(8)}#${nth}`;

function marker(workMessageId: string, more: object = {}): Marker {
  const counts = {};
  return { id: `marker:${workMessageId}`, workMessageId, counts, ...more } as unknown as Marker;
}
const parked = (workMessageId: string): Marker =>
  marker(workMessageId, { id: `marker:${workMessageId}:parked`, counts: { waiting: 7 } });
const waits = (...markers: Marker[]) => waitsOf(markers);

describe("what items of a cycle wait for", () => {
  test("a retry, until it is reported; a retry of it is the same item", () => {
    const first = marker(`${message}#0`, { counts: { waiting: 1 }, retries: [retry(1)] });
    const second = marker(retry(1), { counts: { waiting: 1 }, retries: [retry(2)] });
    const last = marker(retry(2), { counts: { applied: 1 } });
    expect(waits(first)).toEqual({ retrying: 1, parked: 0 });
    expect(waits(first, second)).toEqual({ retrying: 1, parked: 0 });
    expect(waits(last, second, first)).toEqual({ retrying: 0, parked: 0 });
  });

  test("an agent that can read them, until they come back; parked again, they are the same items", () => {
    const id = `${message}#0`;
    expect(waits(parked(id))).toEqual({ retrying: 0, parked: 7 });
    expect(waits(parked(id), parked(`${id}~p1`))).toEqual({ retrying: 0, parked: 7 });
    const done = marker(`${id}~p2`, { counts: { applied: 7 } });
    expect(waits(parked(id), parked(`${id}~p1`), done)).toEqual({ retrying: 0, parked: 0 });
  });
});
