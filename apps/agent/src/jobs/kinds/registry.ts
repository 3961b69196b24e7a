import { type JobKind, jobKinds, type JobMessage, type JobResult } from "@postern/contracts";

/** Runs jobs of one kind. Its parameters are read again here: what is in a queue is hostile until proven. */
export interface JobHandler {
  readonly kind: JobKind;
  readonly run: (parameters: unknown, signal: AbortSignal) => Promise<JobResult>;
}

export interface JobKindRegistry {
  readonly kinds: ReadonlySet<string>;
  /** Never rejects: what goes wrong is the job's result. */
  readonly run: (job: JobMessage, signal: AbortSignal) => Promise<JobResult>;
}

export function jobKindRegistry(handlers: readonly JobHandler[]): JobKindRegistry {
  const byKind = new Map(handlers.map((handler) => [handler.kind, handler]));
  return {
    kinds: new Set(byKind.keys()),
    run: async (job, signal) => {
      const handler = byKind.get(job.kind);
      if (handler === undefined) {
        return {
          ok: false,
          code: "job-kind-unknown",
          detail: `This agent does not run '${job.kind}'.`,
        };
      }
      const parameters = jobKinds[job.kind].parameters.safeParse(job.parameters);
      if (!parameters.success) {
        const detail = parameters.error.issues.map(
          ({ path, message }) => `$.${path.join(".")}: ${message}`,
        );
        return { ok: false, code: "request-invalid", detail: detail.join("\n").slice(0, 2_000) };
      }
      try {
        return await handler.run(parameters.data, signal);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        return { ok: false, code: "internal", detail: `The job failed: ${text}`.slice(0, 2_000) };
      }
    },
  };
}
