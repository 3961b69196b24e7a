import type { JobUpdates } from "../ports/stores";
import { finishJob, progressJob } from "./job";
import { changeJob, type JobChangePorts } from "./job-change";

/** What queue consumers report to the jobs. */
export function createJobUpdates(ports: JobChangePorts): JobUpdates {
  return {
    recordProgress: async (jobId, progress) => {
      await changeJob(ports, jobId, (job, now) => progressJob(job, progress, now));
    },
    recordResult: async (message) => {
      await changeJob(ports, message.jobId, (job, now) => finishJob(job, message, now));
    },
  };
}
