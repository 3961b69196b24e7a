import type { JobKind, JobResult, TargetName } from "@postern/contracts";
import type { TargetPort } from "../../ports/agent-ports";

/** What the kinds of jobs have to work with. */
export interface JobContext {
  readonly targets: ReadonlyMap<TargetName, TargetPort>;
}

/** Runs jobs of one kind. It reads its parameters itself: what is in a queue is hostile until proven. */
export interface JobHandler {
  readonly kind: JobKind;
  /** May reject: that is a failed job, too. Must return soon after the signal is aborted. */
  readonly run: (
    parameters: unknown,
    signal: AbortSignal,
    context: JobContext,
  ) => Promise<JobResult>;
}
