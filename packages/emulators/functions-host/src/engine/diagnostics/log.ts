/** Least level by category, as in host.json's `logging.logLevel`. */
export type LogLevels = Readonly<Record<string, LogLevel | "none">>;

export type LogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical";
const RANK = {
  trace: 0,
  debug: 1,
  information: 2,
  warning: 3,
  error: 4,
  critical: 5,
  none: 6,
} as const;
const SHORT = {
  trace: "trace",
  debug: "debug",
  information: "info ",
  warning: "warn ",
  error: "error",
  critical: "crit ",
} as const;

export interface LogEntry {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  /** Absent in messages of the host itself. */
  readonly functionName?: string | undefined;
  readonly invocationId?: string | undefined;
}

export type LogSink = (entry: LogEntry) => void;
export type LogFormat = "text" | "json";

/** One line per entry, whatever the message contains. */
export function formatLogEntry(entry: LogEntry, format: LogFormat): string {
  switch (format) {
    case "json":
      return JSON.stringify(entry);
    case "text": {
      const message = entry.message.replace(/\r?\n/g, "\\n");
      const who = [entry.functionName ?? "host", entry.invocationId].filter(
        (part) => part !== undefined,
      );
      return `${entry.time.toISOString()} ${SHORT[entry.level]} ${who.join(" ")} ${message}`;
    }
  }
}

/** Filters by host.json's `logging.logLevel` and passes the rest to the sink. */
export class HostLog {
  readonly #sink: LogSink;
  #levels: LogLevels = {};
  readonly #floor = new Map<string, number>();

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  useLevels(levels: LogLevels): void {
    this.#levels = levels;
    this.#floor.clear();
  }

  write(level: LogLevel, message: string, functionName?: string, invocationId?: string): void {
    if (RANK[level] < this.#floorOf(functionName)) return;
    this.#sink({ time: new Date(), level, message, functionName, invocationId });
  }

  #floorOf(functionName: string | undefined): number {
    const key = functionName ?? "";
    let floor = this.#floor.get(key);
    if (floor === undefined) {
      const name =
        (functionName === undefined
          ? this.#levels["Host"]
          : (this.#levels[`Function.${functionName}.User`] ??
            this.#levels[`Function.${functionName}`] ??
            this.#levels["Function"])) ??
        this.#levels["default"] ??
        this.#levels["Default"] ??
        "information";
      floor = RANK[name];
      this.#floor.set(key, floor);
    }
    return floor;
  }
}
