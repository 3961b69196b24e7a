import { describe, expect, test } from "@jest/globals";
import { parseSchedule } from "./schedule";

function next(text: string, from: string, timeZone?: string): string | undefined {
  return parseSchedule(text, "test", timeZone).next(new Date(from))?.toISOString();
}

describe("NCRONTAB", () => {
  test.each([
    ["0 */5 * * * *", "2026-03-01T00:01:00Z", "2026-03-01T00:05:00.000Z"],
    ["30 * * * * *", "2026-03-01T00:00:30Z", "2026-03-01T00:01:30.000Z"],
    ["0 30 9 * Jan Mon", "2026-03-01T00:00:00Z", "2027-01-04T09:30:00.000Z"],
    ["0 30 9 * January Monday", "2026-03-01T00:00:00Z", "2027-01-04T09:30:00.000Z"],
    ["*/5 * * * *", "2026-03-01T00:01:00Z", "2026-03-01T00:05:00.000Z"],
  ])("%s after %s is due at %s", (text, from, due) => {
    expect(next(text, from)).toBe(due);
  });

  test("day of month and day of week must both match", () => {
    expect(next("0 0 0 13 * Fri", "2026-03-14T00:00:00Z")).toBe("2026-11-13T00:00:00.000Z");
  });

  test("the time zone of the app decides when it is midnight", () => {
    expect(next("0 0 0 * * *", "2026-07-01T12:00:00Z", "Europe/Berlin")).toBe(
      "2026-07-01T22:00:00.000Z",
    );
  });

  test.each([
    "@daily",
    "* * * *",
    "0 0 0 ? * *",
    "0 0 0 L * *",
    "0 0 0 31 2 *",
    "61 * * * * *",
    "25:00:00",
  ])("%s is refused", (text) => {
    expect(() => parseSchedule(text, 'Function "f"', undefined)).toThrow(/Function "f": schedule/);
  });
});

test("a time span counts from the last run and is not moved by summer time", () => {
  const schedule = parseSchedule("1.00:00:30", "test", undefined);
  expect(schedule.next(new Date("2026-03-01T00:00:00Z"))?.toISOString()).toBe(
    "2026-03-02T00:00:30.000Z",
  );
  expect(schedule).toMatchObject({ adjustForDst: false, frequent: false });
  expect(parseSchedule("00:00:59", "test", undefined).frequent).toBe(true);
});
