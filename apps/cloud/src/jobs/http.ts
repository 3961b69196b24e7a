import { acceptJob, jobRequestProblems } from "./job-intake";
import { jobView } from "./job";
import { leaseAttempt } from "./job-attempt";
import { changeJob } from "./job-change";
import { dispatchJob } from "./job-dispatch";
import type { JobPorts } from "./job-ports";
import type { Handlers } from "../http/endpoint";
import { afterOf, continuationOf } from "../http/list-continuation";
import { invalidRequest, noSuch } from "../http/request-error";

export function jobHandlers(
  ports: JobPorts,
): Pick<Handlers, "createJob" | "listJobs" | "getJob" | "leaseAttempt"> {
  return {
    createJob: async ({ body: request, headers, caller, traceparent }) => {
      const problems = await jobRequestProblems(ports, request);
      if (problems.length > 0) throw invalidRequest(problems);
      const job = await acceptJob(ports, {
        request,
        idempotencyKey: headers["idempotency-key"],
        caller,
        traceparent,
      });
      return { status: 202, body: jobView(job), headers: { Location: `/api/jobs/${job.id}` } };
    },
    listJobs: async ({ query: { limit, continuation } }) => {
      const page = await ports.jobStore.list({ limit, after: afterOf("jobs", continuation) });
      return {
        status: 200,
        body: {
          items: page.items.map(jobView),
          continuation: continuationOf("jobs", page.next),
        },
      };
    },
    getJob: async ({ params: { id } }) => {
      const stored = await changeJob(ports, id);
      if (stored === undefined) throw noSuch("job", id);
      return { status: 200, body: jobView(await dispatchJob(ports, stored)) };
    },
    leaseAttempt: async ({ params: { id }, body: { agent }, caller }) => ({
      status: 201,
      body: await leaseAttempt(ports, id, agent, caller),
    }),
  };
}
