import type { Logger } from "@postern/runtime";
import { ServiceUnavailable } from "@postern/runtime";

/**
 * One run of a timer. If a service does not respond, the run logs a warning and leaves the rest to the next one: no
 * caller waits for this one, and the work is still there.
 */
export async function timerTick(
  logger: Logger,
  timer: string,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ServiceUnavailable)) throw error;
    logger.warn("timer.missed", { timer, service: error.service, message: error.message });
  }
}
