import { app } from "@azure/functions";
import { deadLetterPorts } from "../../adapters/dead-letter-ports";
import { resumeReplays } from "./resume-replays";
import type { Platform } from "../../app/platform";
import { timerTick } from "../../triggers/timer-tick";

/** A claim lapses a minute after it was made: looking this often doubles that at most. */
const EVERY_MINUTE = "30 * * * * *";

export function registerReplayWatch(platform: Platform): void {
  const ports = deadLetterPorts(platform);
  app.timer("replayWatch", {
    schedule: EVERY_MINUTE,
    handler: () => timerTick(platform.logger, "replayWatch", () => resumeReplays(ports)),
  });
}
