import { app } from "@azure/functions";
import { deadLetterPorts } from "../adapters/dead-letter-ports";
import { ServiceUnavailable } from "../domain/ports";
import { resumeReplays } from "../domain/resume-replays";
import type { Platform } from "../platform";

/** A claim lapses a minute after it was made: looking this often doubles that at most. */
const EVERY_MINUTE = "30 * * * * *";

export function registerReplayWatch(platform: Platform): void {
  const ports = deadLetterPorts(platform);
  app.timer("replayWatch", {
    schedule: EVERY_MINUTE,
    handler: async () => {
      try {
        await resumeReplays(ports);
      } catch (error) {
        if (!(error instanceof ServiceUnavailable)) throw error;
        platform.logger.warn("replays-not-looked-after", { service: error.service });
      }
    },
  });
}
