import { exitCodes } from "./start";

/** Ctrl-C reaches the whole process group, and tools/run.mjs forwards its signal: two this close are one. */
const ONE_INTERRUPTION_MS = 500;

/** Aborted by Ctrl-C or SIGTERM. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  let firstMs: number | undefined;
  const interrupt = (): void => {
    firstMs ??= performance.now();
    interrupted.abort();
    // A second Ctrl-C exits immediately; the children exit when their standard input closes.
    if (performance.now() - firstMs > ONE_INTERRUPTION_MS) process.exit(exitCodes.interrupted);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return interrupted.signal;
}
