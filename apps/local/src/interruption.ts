import { exitCodes } from "./start";

/** A terminal's Ctrl-C reaches the whole process group, and the script that started us hands its own on: two that are one. */
const ONE_INTERRUPTION_MS = 500;

/** Aborted by Ctrl-C or SIGTERM. */
export function interruption(): AbortSignal {
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
