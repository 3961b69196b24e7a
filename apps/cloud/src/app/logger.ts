import { maskedFields } from "@postern/input";
import type { WallClock, LogFields, Logger } from "@postern/runtime";

/** One JSON object per line: time, level, event, and the fields of the caller. */
export function createLogger(
  write: (line: string) => void,
  clock: WallClock,
  fields: LogFields = {},
): Logger {
  const log = (level: string, event: string, more: LogFields = {}): void => {
    write(
      JSON.stringify({
        time: new Date(clock.now()).toISOString(),
        level,
        event,
        // Errors have no own enumerable properties: they would print as `{}`. Texts of peers may hold secrets.
        ...(maskedFields({ ...fields, ...more }) as LogFields),
      }),
    );
  };
  return {
    debug: () => undefined,
    info: (event, more) => log("info", event, more),
    warn: (event, more) => log("warn", event, more),
    error: (event, more) => log("error", event, more),
    child: (more) => createLogger(write, clock, { ...fields, ...more }),
  };
}
