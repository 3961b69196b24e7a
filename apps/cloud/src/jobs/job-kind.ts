/**
 * The registry of job kinds. A kind is one file that says what its request may name and how its jobs are sent on their
 * way, and one line in the composition; where a kind runs is said by `jobKinds` of the contracts.
 */
import { type FieldProblem, JobKind, type JobRequest, type WorkerGroup } from "@postern/contracts";
import type { JobRecord } from "./job";

/** `detail` is the job's result when it cannot be done at all. */
export type Dispatch = { readonly sent: true } | { readonly sent: false; readonly detail: string };

export interface JobKindHandler {
  readonly kind: JobKind;
  /** Names in the request that do not exist in this branch. `group` is the group that the request names. */
  validate(request: JobRequest, group: WorkerGroup): Promise<readonly FieldProblem[]>;
  /**
   * Sends a queued job on its way. Safe to repeat.
   *
   * @throws ServiceUnavailable when the job could not be sent now
   */
  dispatch(job: JobRecord): Promise<Dispatch>;
}

export type JobRequestOf<K extends JobKind> = Extract<JobRequest, { kind: K }>;

/** A handler whose `validate` receives requests of its own kind only. */
export function defineJobKind<const K extends JobKind>(definition: {
  readonly kind: K;
  validate(
    request: JobRequestOf<K>,
    group: WorkerGroup,
  ): readonly FieldProblem[] | Promise<readonly FieldProblem[]>;
  dispatch(job: JobRecord): Promise<Dispatch>;
}): JobKindHandler {
  const { kind } = definition;
  const isOfKind = (request: JobRequest): request is JobRequestOf<K> => request.kind === kind;
  return {
    kind,
    validate: async (request, group) => {
      if (!isOfKind(request))
        throw new RangeError(`a job of kind '${request.kind}' is no '${kind}'`);
      return definition.validate(request, group);
    },
    dispatch: (job) => definition.dispatch(job),
  };
}

export type JobKindRegistry = (kind: JobKind) => JobKindHandler;

/** @throws RangeError when a kind of the contracts has no handler */
export function jobKindRegistry(handlers: readonly JobKindHandler[]): JobKindRegistry {
  const byKind = new Map(handlers.map((handler) => [handler.kind, handler]));
  const handlerOf = (kind: JobKind): JobKindHandler => {
    const handler = byKind.get(kind);
    if (handler === undefined) throw new RangeError(`job kind '${kind}' has no handler`);
    return handler;
  };
  for (const kind of JobKind.options) handlerOf(kind);
  return handlerOf;
}
