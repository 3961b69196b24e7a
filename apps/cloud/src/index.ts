export { allowance } from "./sync/entities/breaker";
export { summarise } from "./cycles/cycle-views";
export { watchCycles } from "./sync/watch/cycle-watch";
export type { DeadLetterPorts, DeadLetterStore } from "./dead-letters/dead-letter-ports";
export { discardDeadLetters } from "./dead-letters/discard";
export { drainDeadLetter } from "./dead-letters/dead-letter-drain";
export { applyDefinition, startCycle } from "./sync/definitions/apply-definition";
export { releaseHolds } from "./sync/holds/held-items";
export type { AuditEntry } from "./jobs/job-ports";
export { runOnDemand, startOnDemand } from "./sync/pages/on-demand";
export { runPages } from "./sync/pages/page-run";
export {
  type CycleHistory,
  type DeadLetterSink,
  type DefinitionRecord,
  type DefinitionStore,
  type GraphSource,
  type HoldStore,
  type IndexStore,
  type Logger,
  type MemberChange,
  type MessageBus,
  type ProgressDocument,
  type ProgressOperation,
  type ProgressStore,
  ServiceUnavailable,
  type SourceChange,
  SourceError,
  type SourcePage,
  type Stored,
  type SyncPorts,
  type TransactionResult,
} from "./ports/cloud-ports";
export { replayDeadLetters } from "./dead-letters/replay/replay";
export { resumeReplays } from "./dead-letters/replay/resume-replays";
export { consumeResults } from "./results/results";
export { StreamClaims } from "./sync/streams/stream-claims";
export { tick } from "./sync/streams/sync-timer";
