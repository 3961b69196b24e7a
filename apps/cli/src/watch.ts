import { setTimeout as sleep } from "node:timers/promises";
import { CliError, exitCodes } from "./exit-code";
import { cut, plain } from "./render/text";
import type { Terminal } from "./terminal";

/** Fast enough for a person who reads the numbers; costs the API sixty small reads a minute. */
const PAUSE_MS = 1_000;
/** A restart of the function app does not end a watch. */
const MAX_FAILURES = 30;

/**
 * Polls until what is watched ends. Progress goes to stderr: on a terminal one line is rewritten, elsewhere each
 * change is a new line.
 *
 * @throws CliError at the time-out, and when a read fails that cannot be retried, is the first, or is one of too many
 */
export async function watch<T>(
  terminal: Terminal,
  options: {
    readonly read: () => Promise<T>;
    /** `live`: the line is rewritten on each poll, so it may show values that change on their own. */
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
      // A failure of the first read is a mistake in the command, not an outage.
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
    `not finished within ${timeoutSeconds} s: ${shown === "" ? "the API has not responded" : shown}`,
  );
}

const LATE = Symbol("late");

/** Waits for an answer no longer than `ms`. */
async function within<T>(ms: number, answer: Promise<T>): Promise<T | typeof LATE> {
  if (ms === Number.POSITIVE_INFINITY) return answer;
  const enough = new AbortController();
  try {
    return await Promise.race([answer, sleep(Math.max(0, ms), LATE, { signal: enough.signal })]);
  } finally {
    enough.abort();
  }
}
