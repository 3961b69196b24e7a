import { OptionsError, parseOptions, usage } from "./options";
import { PosternError } from "@postern/contracts";
import { DataDirectoryError } from "./platform/data-directory";
import { ProcessFailure } from "./platform/supervised-process";
import { exitCodes, StalledError, start } from "./start";

async function main(): Promise<number> {
  const [command, ...argv] = process.argv.slice(2);
  const callerDirectory = process.env["INIT_CWD"] ?? process.cwd();
  if (command === "bench") {
    const { bench } = await import("./bench/bench");
    return bench(argv, process.env);
  }
  if (command === "simulate") {
    const { simulate } = await import("./simulation/simulate");
    return simulate(argv);
  }
  if (command === "chaos") {
    const { chaos, chaosUsage } = await import("./chaos/chaos");
    try {
      return await chaos(argv, process.env, callerDirectory, interruption());
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      process.stderr.write(`\n${error.message}\n\n${chaosUsage}\n`);
      return exitCodes.refused;
    }
  }
  const options = parseOptions(argv, callerDirectory);
  if (options === "help") {
    process.stdout.write(`${usage}\n`);
    return exitCodes.ok;
  }
  return start(options, process.env, interruption());
}

/** A terminal's Ctrl-C reaches the whole process group, and the script that started us hands its own on: two that are one. */
const ONE_INTERRUPTION_MS = 500;

/** Aborted by Ctrl-C or SIGTERM. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  let firstMs: number | undefined;
  const interrupt = (): void => {
    firstMs ??= performance.now();
    interrupted.abort();
    // A second Ctrl-C means now: the children end with their standard input.
    if (performance.now() - firstMs > ONE_INTERRUPTION_MS) process.exit(exitCodes.interrupted);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return interrupted.signal;
}

/** Errors that tell a person what to do; anything else is a fault of ours and shows its stack. */
function explained(error: unknown): string {
  if (error instanceof OptionsError) return `${error.message}\n\n${usage}`;
  if (
    error instanceof PosternError ||
    error instanceof DataDirectoryError ||
    error instanceof ProcessFailure ||
    error instanceof StalledError
  )
    return error.message;
  if (error instanceof Error && error.name === "TenantError") return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`\n${explained(error)}\n`);
    process.exit(error instanceof StalledError ? exitCodes.itemsFailed : exitCodes.refused);
  },
);
