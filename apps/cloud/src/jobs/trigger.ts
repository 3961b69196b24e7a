import type { TimerHandler } from "@azure/functions";
import type { JobPorts } from "./job-ports";
import { redispatchJobs } from "./job-watch";
import { timerTick } from "../triggers/timer-tick";

/** Every reader of a job looks after that job too; the timer looks after those without a reader. */
export function jobWatchHandler(ports: JobPorts): TimerHandler {
  return () => timerTick(ports.logger, "jobWatch", () => redispatchJobs(ports));
}
