/** Jobs: they run on an agent, or in the cloud. */
import { z } from "zod";
import { JobRequest, JobView } from "../job";
import { JobId } from "../words/ids";
import { listPage, listQuery, type Route } from "./route";

/** Names a request for its repetition: the same key with the same request makes one job. */
export const IdempotencyKey = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/, { error: "must be 1 to 128 visible ASCII characters" });

export const JobList = listPage(JobView);

export const jobRoutes = [
  {
    method: "POST",
    path: "jobs",
    operationId: "createJob",
    summary: "Start a job",
    roles: ["Operator"],
    headers: z.strictObject({ "idempotency-key": IdempotencyKey.optional() }),
    body: JobRequest,
    responses: {
      202: { description: "Accepted", schema: JobView, headers: { Location: "Path of the job" } },
    },
    problems: ["idempotency-mismatch"],
  },
  {
    method: "GET",
    path: "jobs",
    operationId: "listJobs",
    summary: "List jobs, newest first",
    roles: ["Reader", "Operator"],
    query: listQuery,
    responses: { 200: { description: "A page of jobs", schema: JobList } },
  },
  {
    method: "GET",
    path: "jobs/{id}",
    operationId: "getJob",
    summary: "Show one job",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: JobId }),
    responses: { 200: { description: "The job", schema: JobView } },
    problems: ["not-found"],
  },
] as const satisfies readonly Route[];
