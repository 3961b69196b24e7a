import { app } from "@azure/functions";
import { jobPorts } from "../adapters/job-ports";
import { redispatchJobs } from "./job-watch";
import type { Platform } from "../app/platform";
import { timerTick } from "../triggers/timer-tick";

/** A lost lease is noticed 35 s after the last heartbeat: looking this often adds a third to that at most. */
const EVERY_TEN_SECONDS = "*/10 * * * * *";

export function registerJobWatch(platform: Platform): void {
  const ports = jobPorts(platform);
  app.timer("jobWatch", {
    schedule: EVERY_TEN_SECONDS,
    // Whoever reads a job meanwhile looks as well.
    handler: () => timerTick(platform.logger, "jobWatch", () => redispatchJobs(ports)),
  });
}
