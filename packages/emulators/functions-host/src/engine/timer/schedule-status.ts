import { z } from "zod";

/** When a timer ran and when it is due. */
export const ScheduleStatus = z.strictObject({
  /** The schedule these times belong to. */
  schedule: z.string(),
  /** Null until the first run. */
  last: z.iso.datetime().nullable(),
  next: z.iso.datetime(),
  lastUpdated: z.iso.datetime(),
});
export type ScheduleStatus = z.infer<typeof ScheduleStatus>;

/** Remembers when timers ran, by function name. */
export interface ScheduleMonitor {
  read(functionName: string): ScheduleStatus | undefined;
  write(functionName: string, status: ScheduleStatus): void;
}
