import { formatLogEntry, type LogFormat, type LogSink } from "./log";

/** Writes one line per entry to standard error: standard output is for the ready line. */
export function stderrLog(format: LogFormat): LogSink {
  return (entry) => process.stderr.write(`${formatLogEntry(entry, format)}\n`);
}
