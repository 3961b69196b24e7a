/**
 * Keeps when a timer ran and when it is due, so that a host that was down notices missed occurrences. One small file
 * per timer, replaced as a whole; without a data directory nothing is kept.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ScheduleStatus, type ScheduleMonitor } from "../engine/timer/schedule-status";

export class ScheduleFiles implements ScheduleMonitor {
  readonly #directory: string | undefined;

  constructor(dataDirectory: string | undefined) {
    this.#directory = dataDirectory === undefined ? undefined : path.join(dataDirectory, "timers");
  }

  read(functionName: string): ScheduleStatus | undefined {
    const file = this.#file(functionName);
    if (file === undefined || !existsSync(file)) return undefined;
    try {
      const parsed = ScheduleStatus.safeParse(JSON.parse(readFileSync(file, "utf8")));
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined; // a damaged status counts as none: the timer starts over
    }
  }

  write(functionName: string, status: ScheduleStatus): void {
    const file = this.#file(functionName);
    if (file === undefined || this.#directory === undefined) return;
    mkdirSync(this.#directory, { recursive: true });
    const temporary = `${file}.tmp`;
    writeFileSync(temporary, JSON.stringify(status));
    renameSync(temporary, file);
  }

  /** Every function name is a valid file name. */
  #file(functionName: string): string | undefined {
    return this.#directory === undefined
      ? undefined
      : path.join(this.#directory, `${functionName}.json`);
  }
}
