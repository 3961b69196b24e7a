/**
 * Runs an emulator as a process: reads its options, starts it, announces it with one {@link ReadyLine} on stdout, and
 * closes it on SIGTERM, SIGINT or (with `--exit-with-stdin`) at the end of standard input, so that it never outlives
 * its parent. Exit codes: 0 after a clean stop or `--help`, 1 when the emulator does not start or does not stop in
 * time.
 */
import {
  describeOptions,
  readOptions,
  type OptionTable,
  type OptionValues,
} from "./command-options";
import { StartError } from "./start-error";

/** A started emulator, as its command line announces it. */
export interface RunningEmulator {
  /** What a client needs: URLs and connection strings by name. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** URL of the control server. */
  readonly control: string;
  close(): Promise<void>;
}

/** The only line on stdout: the emulator is ready. */
export interface ReadyLine {
  readonly ready: true;
  readonly endpoints: Readonly<Record<string, string>>;
  readonly control: string;
}

export interface EmulatorCommand<Table extends OptionTable> {
  /** Name of the program in messages and in the help. */
  readonly name: string;
  /** One sentence for the help: what is emulated, and that it is for development and tests only. */
  readonly summary: string;
  readonly options: Table;
  /** Printed on stderr once the emulator has started: what its user must know. */
  readonly notice?: string;
  start(values: OptionValues<Table>): Promise<RunningEmulator>;
}

const CLOSE_DEADLINE_MS = 4000;
const EXIT_WITH_STDIN = "exit-with-stdin";
const HELP = "help";
const flags = {
  [EXIT_WITH_STDIN]: "stop when standard input ends",
  [HELP]: "print this help",
};

/** Runs the emulator with the arguments of this process. Ends the process; never rejects. */
export async function runEmulatorCommand<Table extends OptionTable>(
  command: EmulatorCommand<Table>,
): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes(`--${HELP}`)) {
    process.stdout.write(describeOptions(command, command.options, flags));
    return;
  }
  let running: RunningEmulator;
  try {
    const valued = argv.filter((argument) => argument !== `--${EXIT_WITH_STDIN}`);
    running = await command.start(readOptions(command.options, valued));
  } catch (error) {
    process.stderr.write(`${command.name}: ${explain(command.name, error)}\n`);
    process.exit(1);
  }
  const { endpoints, control } = running;
  const line: ReadyLine = { ready: true, endpoints, control };
  if (command.notice !== undefined) process.stderr.write(`${command.notice}\n`);
  process.stdout.write(`${JSON.stringify(line)}\n`);
  closeOnSignal(running, argv.includes(`--${EXIT_WITH_STDIN}`));
}

function explain(name: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const isBadFlag = error instanceof StartError && error.code === "bad-flag";
  return isBadFlag ? `${message}\nSee '${name} --help'.` : message;
}

function closeOnSignal(running: RunningEmulator, exitWithStdin: boolean): void {
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    setTimeout(() => process.exit(1), CLOSE_DEADLINE_MS).unref();
    running.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", close);
  process.on("SIGINT", close);
  if (exitWithStdin) {
    process.stdin.resume();
    process.stdin.on("end", close);
    process.stdin.on("error", close);
  }
}
