/** A started emulator, as its command line announces it. */
export interface RunningEmulator {
  /** What a client needs: URLs and connection strings by name. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** URL of the control server. */
  readonly control: string;
  close(): Promise<void>;
}

/** The single line on stdout that tells the parent that the emulator is ready. */
export interface ReadyLine {
  readonly ready: true;
  readonly endpoints: Readonly<Record<string, string>>;
  readonly control: string;
}

const CLOSE_DEADLINE_MS = 4000;

/**
 * Runs an emulator as a process of its own: announces itself with one {@link ReadyLine} on stdout, closes on SIGTERM,
 * SIGINT or (with `--exit-with-stdin`) when its standard input ends, so that it never outlives its parent.
 */
export async function runEmulatorProcess(
  start: (argv: readonly string[]) => Promise<RunningEmulator>,
): Promise<void> {
  const argv = process.argv.slice(2);
  const exitWithStdin = argv.includes("--exit-with-stdin");
  let running: RunningEmulator;
  try {
    running = await start(argv.filter((argument) => argument !== "--exit-with-stdin"));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
  const { endpoints, control } = running;
  const line: ReadyLine = { ready: true, endpoints, control };
  process.stdout.write(`${JSON.stringify(line)}\n`);

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
