import type { JobKind, JobResult, TargetName } from "@postern/contracts";
import type { TargetPort } from "../../ports/agent-ports";

/** What job handlers may use. */
export interface JobContext {
  readonly targets: ReadonlyMap<TargetName, TargetPort>;
}

/** Runs jobs of one kind. It parses its parameters itself, because queue contents are untrusted. */
export interface JobHandler {
  readonly kind: JobKind;
  /** May reject: the job then fails with code `internal`. Must settle soon after the signal is aborted. */
  readonly run: (
    parameters: unknown,
    signal: AbortSignal,
    context: JobContext,
  ) => Promise<JobResult>;
}
