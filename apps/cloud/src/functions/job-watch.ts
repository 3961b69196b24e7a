import { app } from "@azure/functions";
import { jobPorts } from "../adapters/job-ports";
import { redispatchJobs } from "../domain/job-watch";
import { ServiceUnavailable } from "../domain/ports";
import type { Platform } from "../platform";

/** A lost lease is noticed 35 s after the last heartbeat: looking this often adds a third to that at most. */
const EVERY_TEN_SECONDS = "*/10 * * * * *";

export function registerJobWatch(platform: Platform): void {
  const ports = jobPorts(platform);
  app.timer("jobWatch", {
    schedule: EVERY_TEN_SECONDS,
    handler: async () => {
      try {
        await redispatchJobs(ports);
      } catch (error) {
        // The next tick looks again, and so does whoever reads a job meanwhile.
        if (!(error instanceof ServiceUnavailable)) throw error;
        platform.logger.warn("jobs not looked after", { service: error.service });
      }
    },
  });
}
