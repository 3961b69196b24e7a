import { Cron } from "croner";
import { errorMessage, FunctionsHostError } from "../diagnostics/errors";
import { parseTimeSpan } from "../config/time-span";

/** When a timer is due. */
export interface Schedule {
  /** The first occurrence after `moment`; undefined if there is none. */
  next(moment: Date): Date | undefined;
  /** Whether occurrences are less than a minute apart: the host keeps no status of such timers unless asked. */
  readonly frequent: boolean;
  /** Whether occurrences follow a calendar, so that summer time moves them; false for an interval. */
  readonly adjustForDst: boolean;
}

const NAMES = "mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const LONG_NAMES = new RegExp(`\\b(${NAMES})[a-z]*\\b`, "gi");
const FIELD = new RegExp(`^(?:[0-9*,/-]|${NAMES})+$`, "i");
const MINUTE_MS = 60_000;

function constantSchedule(intervalMs: number): Schedule {
  return {
    next: (moment) => new Date(moment.getTime() + intervalMs),
    frequent: intervalMs < MINUTE_MS,
    adjustForDst: false,
  };
}

/**
 * NCRONTAB (six fields, seconds first; five are accepted as the host does) or a TimeSpan between runs.
 * Unlike in Unix cron, day of month AND day of week must match.
 *
 * @throws FunctionsHostError `schedule-invalid`
 */
export function parseSchedule(text: string, where: string, timeZone: string | undefined): Schedule {
  const fail = (why: string): never => {
    throw new FunctionsHostError("schedule-invalid", `${where}: schedule "${text}" ${why}`);
  };
  if (text.includes(":")) {
    const intervalMs = parseTimeSpan(text);
    if (intervalMs === undefined || intervalMs < 1)
      return fail('is not a time span such as "00:05:00"');
    return constantSchedule(intervalMs);
  }
  const fields = text.trim().replace(LONG_NAMES, "$1").split(/\s+/);
  if (fields.length < 5 || fields.length > 6 || !fields.every((field) => FIELD.test(field))) {
    return fail(
      'is not NCRONTAB: six fields such as "0 */5 * * * *", of digits, names and * , - /',
    );
  }
  let cron: Cron;
  try {
    cron = new Cron(fields.join(" "), {
      mode: fields.length === 6 ? "6-part" : "5-part",
      domAndDow: true,
      paused: true,
      timezone: timeZone ?? "UTC",
    });
  } catch (error) {
    return fail(`is not valid: ${errorMessage(error)}`);
  }
  const [first, second] = cron.nextRuns(2);
  if (first === undefined) return fail("never comes due");
  return {
    next: (moment) => cron.nextRun(moment) ?? undefined,
    frequent: second !== undefined && second.getTime() - first.getTime() < MINUTE_MS,
    adjustForDst: true,
  };
}
