import type { Logger } from "@postern/runtime";
import { ServiceUnavailable } from "@postern/runtime";

/**
 * One run of a timer. A service that does not answer is a matter of the next one, and said in a warning: no caller waits for
 * this one, and what it would have looked after is still there.
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
    logger.warn("timer-missed", { timer, service: error.service, message: error.message });
  }
}
