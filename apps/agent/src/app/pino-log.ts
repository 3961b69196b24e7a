import { maskedFields } from "@postern/input";
import type { LogFields, Logger } from "@postern/runtime";
import pino from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/**
 * Writes one JSON object per line to stderr, before the call returns, so that the last line before an exit is never
 * lost.
 */
export function createPinoLog(level: LogLevel, fields: LogFields): Logger {
  return wrap(
    pino(
      {
        level,
        base: fields,
        timestamp: pino.stdTimeFunctions.isoTime,
        messageKey: "event",
        // Texts of a target, a broker or a library may hold what they were sent.
        formatters: { log: (line) => maskedFields(line) as Record<string, unknown> },
      },
      pino.destination({ fd: 2, sync: true }),
    ),
  );
}

function wrap(logger: pino.Logger): Logger {
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    child: (fields) => wrap(logger.child(fields)),
  };
}
