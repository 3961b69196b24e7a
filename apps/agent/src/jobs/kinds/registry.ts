import { clip, jobKinds, type JobMessage, type JobResult } from "@postern/contracts";
import { textLimits } from "../../ports/text-limits";
import type { JobContext, JobHandler } from "./handler";
import { targetTest } from "./target-test";

/** Every kind of job that an agent runs. A new kind is a file (or a folder) next to this one, and a line here. */
export const jobHandlers: readonly JobHandler[] = [targetTest];

export interface JobKindRegistry {
  readonly kinds: ReadonlySet<string>;
  /** Never rejects: a failure is the job's result. */
  readonly run: (job: JobMessage, signal: AbortSignal) => Promise<JobResult>;
}

export function jobKindRegistry(
  context: JobContext,
  handlers: readonly JobHandler[] = jobHandlers,
): JobKindRegistry {
  const byKind = new Map(handlers.map((handler) => [handler.kind, handler]));
  return {
    kinds: new Set(byKind.keys()),
    run: async (job, signal) => {
      const handler = byKind.get(job.kind);
      if (handler === undefined) {
        return failed("job-kind-unknown", `This agent does not run '${job.kind}'.`);
      }
      const parameters = jobKinds[job.kind].parameters.safeParse(job.parameters);
      if (!parameters.success) {
        const problems = parameters.error.issues.map(
          ({ path, message }) => `$.${path.join(".")}: ${message}`,
        );
        return failed("request-invalid", problems.join("\n"));
      }
      try {
        return await handler.run(parameters.data, signal, context);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        return failed("internal", `The job failed: ${text}`);
      }
    },
  };
}

function failed(code: string, detail: string): JobResult {
  return { ok: false, code, detail: clip(detail, textLimits.jobDetailChars) };
}
