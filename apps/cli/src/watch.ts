import { setTimeout as sleep } from "node:timers/promises";
import { CliError, exitCodes } from "./exit-code";
import { cut, plain } from "./render/text";
import type { Terminal } from "./terminal";

/** Twice the pace at which a person reads numbers; a minute of it costs the API sixty small reads. */
const PAUSE_MS = 1_000;
/** A restart of the functions is not the end of a watch. */
const MAX_FAILURES = 30;

/**
 * Reads something again and again until it has ended. On a terminal the line under way is rewritten; elsewhere there is a
 * line for each change. Progress goes to stderr.
 */
export async function watch<T>(
  terminal: Terminal,
  options: {
    readonly read: () => Promise<T>;
    /** `live`: shown again and again, so that what changes by itself may be in it. */
    readonly line: (value: T, live: boolean) => string;
    readonly ended: (value: T) => boolean;
    readonly timeoutSeconds: number | undefined;
  },
): Promise<T> {
  const { stderr, rewritable, columns = 80 } = terminal;
  const beganMs = terminal.now();
  let shown = "";
  let failures = 0;
  const show = (line: string): void => {
    if (rewritable) stderr.write(`\r\u001b[2K${cut(line, columns - 1)}`);
    else if (line !== shown) stderr.write(`${line}\n`);
    shown = line;
  };
  const over = (): void => {
    if (rewritable && shown !== "") stderr.write("\r\u001b[2K");
  };
  const { timeoutSeconds } = options;
  const leftMs = (): number =>
    timeoutSeconds === undefined
      ? Number.POSITIVE_INFINITY
      : beganMs + timeoutSeconds * 1_000 - terminal.now();
  for (;;) {
    try {
      const value = await within(leftMs(), options.read());
      if (value === LATE) break;
      failures = 0;
      show(plain(options.line(value, rewritable)));
      if (options.ended(value)) {
        over();
        return value;
      }
    } catch (error) {
      failures += 1;
      const passing =
        error instanceof CliError &&
        (error.exitCode === exitCodes.unreachable || error.exitCode === exitCodes.failed);
      // What fails the first time was wrong from the start.
      if (!passing || shown === "" || failures > MAX_FAILURES) {
        over();
        throw error;
      }
    }
    if (leftMs() <= 0) break;
    await sleep(Math.min(PAUSE_MS, leftMs()));
  }
  over();
  throw new CliError(
    exitCodes.failed,
    `it has not ended within ${timeoutSeconds} s: ${shown === "" ? "the API has not answered" : shown}`,
  );
}

const LATE = Symbol("late");

/** A slow answer does not hold a command longer than it was told to wait. */
async function within<T>(ms: number, answer: Promise<T>): Promise<T | typeof LATE> {
  if (ms === Number.POSITIVE_INFINITY) return answer;
  const enough = new AbortController();
  try {
    return await Promise.race([answer, sleep(Math.max(0, ms), LATE, { signal: enough.signal })]);
  } finally {
    enough.abort();
  }
}
