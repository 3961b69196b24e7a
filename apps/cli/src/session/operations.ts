import { operationsOf, replyingWith } from "@postern/api-client";
import { routes } from "@postern/contracts";
import { ShownJob, ShownJobs } from "../render/jobs";

const known = operationsOf(routes);

/** The API's operations. Jobs are read as this program shows them: of any kind that a newer cloud app knows. */
export const operations = {
  ...known,
  createJob: replyingWith(known.createJob, ShownJob),
  getJob: replyingWith(known.getJob, ShownJob),
  listJobs: replyingWith(known.listJobs, ShownJobs),
};

export type CliOperations = typeof operations;
