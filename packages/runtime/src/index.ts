export { AzureCredential } from "./azure-credential";
export { type Deadline, endWait, settledWithin, startDeadline } from "./waiting/deadline";
export { deepFreeze } from "./deep-freeze";
export { inParallel } from "./waiting/in-parallel";
export { failuresEach, outagePauseMs } from "./waiting/outage-pause";
export type {
  Clock,
  LogFields,
  Logger,
  Random,
  RandomSource,
  SpanAttributes,
  SpanHandle,
  SpanOptions,
  Tracing,
  WallClock,
} from "./ports";
export { spanCauses } from "./span-causes";
export { systemClock, systemRandom } from "./system-clock";
export { TimeLimitExceeded, withinTimeLimit } from "./waiting/time-limit";
export { timeSortedId } from "./time-sorted-id";
export { timestamp } from "./timestamp";
export { noTracing, type RunningTracing, startTracing, tracingOnFirstSpan } from "./tracing";
export {
  OutageError,
  type OutageCode,
  type OutageService,
  ServiceUnavailable,
} from "./unavailable";
export { untilAborted } from "./waiting/until-aborted";
