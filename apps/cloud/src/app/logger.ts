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
        ...fields,
        ...plain(more),
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

/** Errors have no own enumerable properties: they would print as `{}`. */
function plain(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? { name: value.name, message: value.message } : value,
    ]),
  );
}
