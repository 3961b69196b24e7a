export { allowance } from "./sync/entities/breaker";
export { summarise } from "./cycles/cycle-views";
export { watchCycles } from "./sync/watch/cycle-watch";
export type { DeadLetterPorts, DeadLetterStore } from "./dead-letters/dead-letter-ports";
export { discardDeadLetters } from "./dead-letters/discard";
export { drainDeadLetter } from "./dead-letters/drain/dead-letter-drain";
export { applyDefinition } from "./sync/definitions/apply-definition";
export { releaseHolds } from "./sync/holds/held-items";
export type { AuditEntry } from "./audit/audit-trail";
export { runOnDemand, startOnDemand } from "./sync/pages/on-demand";
export { runPages } from "./sync/pages/page-run";
export type {
  CycleHistory,
  DeadLetterSink,
  DefinitionRecord,
  DefinitionStore,
  HoldStore,
  IndexStore,
  ProgressDocument,
  ProgressOperation,
  ProgressStore,
  Stored,
  TransactionResult,
} from "./ports/stores";
export {
  type GraphSource,
  type MemberChange,
  type SourceChange,
  SourceError,
  type SourcePage,
} from "./ports/source";
export type { MessageBus } from "./ports/message-bus";
export { isParked, keepParked } from "./parked/keep-parked";
export type { ParkedPorts, ParkedStore } from "./parked/parked-ports";
export { sendParked } from "./parked/send-parked";
export type { SecurityEvents } from "./ports/security-events";
export type { KeyFinding, WorkKey, WorkKeys } from "./ports/work-keys";
export type { SyncPorts } from "./ports/cloud-ports";
export { type Logger, ServiceUnavailable } from "@postern/runtime";
export { replayDeadLetters } from "./dead-letters/replay/replay";
export { resumeReplays } from "./dead-letters/replay/resume-replays";
export { indexedItem } from "./sync/entities/indexed-item";
export { consumeResults } from "./results/results";
export { StreamClaims } from "./sync/streams/stream-claims";
export { judgePending } from "./security/pending-message";
export { startCycle } from "./sync/streams/start-cycle";
export { tick } from "./sync/streams/sync-timer";
export { createGraphSource } from "./sync/graph/graph-source";
export { compileDefinition, mapEntity, MappingFailure } from "./sync/mapping/compiled-definition";
