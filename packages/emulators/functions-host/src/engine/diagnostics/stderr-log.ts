import { formatLogEntry, type LogFormat, type LogSink } from "./log";

/** One line per entry on standard error: standard output belongs to the ready line. */
export function stderrLog(format: LogFormat): LogSink {
  return (entry) => process.stderr.write(`${formatLogEntry(entry, format)}\n`);
}
