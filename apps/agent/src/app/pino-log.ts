import pino, { type Logger } from "pino";
import type { Log, LogFields } from "../ports/agent-ports";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** One JSON object a line on stderr, written before the call returns: the last line before an exit is never lost. */
export function createPinoLog(level: LogLevel, fields: LogFields): Log {
  return wrap(
    pino(
      { level, base: fields, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "event" },
      pino.destination({ fd: 2, sync: true }),
    ),
  );
}

function wrap(logger: Logger): Log {
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    child: (fields) => wrap(logger.child(fields)),
  };
}
