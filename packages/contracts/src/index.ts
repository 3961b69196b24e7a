export { jsonTextBytes, type ReportPart, reportParts } from "./messages/report-parts";
export {
  AgentView,
  Heartbeat,
  heartbeatIntervalMs,
  HeartbeatReply,
  offlineAfterMs,
  TargetHealth,
} from "./agent";
export { Checkpoint, checkpointId, DefinitionCounter, PageRecord } from "./documents/checkpoint";
export {
  eventAttribute,
  type EventAttributes,
  eventProperties,
  parseEventType,
  readMessage,
  type ReadOptions,
} from "./messages/cloud-event";
export { contentHash } from "./messages/content-hash";
export { Cycle, CycleKind, cycleModel, CycleState, CycleView, Marker } from "./documents/cycle";
export { CycleStall, StallAction, StallReason, StallWait } from "./documents/cycle-stall";
export {
  Actor,
  DeadLetter,
  DeadLetterAction,
  deadLetterActionsListed,
  DeadLetterBatchReply,
  DeadLetterBatchRequest,
  DeadLetterFilter,
  DeadLetterId,
  deadLetterModel,
  DeadLetterReplay,
  DeadLetterRequest,
  DeadLetterResult,
  deadLettersPerRequest,
  DeadLetterState,
  DeadLetterView,
} from "./documents/dead-letter";
export { entityKey } from "./entity-key";
export {
  EntityRef,
  EntityType,
  itemIdOf,
  LANE_COUNT,
  laneOf,
  lanesOf,
  membershipRef,
  StreamName,
  streamOf,
  streams,
} from "./words/entity";
export { type ErrorCode, errorCodes, explain, invariant, PosternError } from "./words/error-codes";
export { fieldProblems, problemText } from "./words/field-problems";
export { Hold, holdId } from "./documents/hold";
export {
  AgentList,
  CycleAccepted,
  CycleList,
  DeadLetterList,
  defaultBodyBytes,
  EntityTag,
  Health,
  HoldList,
  HoldView,
  IdempotencyKey,
  JobList,
  type MediaType,
  type OperationId,
  ParkedList,
  ReleaseReply,
  ReleaseRequest,
  Role,
  type Route,
  type RouteResponse,
  routes,
  SyncList,
  SyncView,
} from "./http/routes";
export {
  AgentId,
  BranchId,
  CycleId,
  DefinitionId,
  GroupName,
  ItemId,
  JobId,
  Lane,
  MessageId,
  TargetName,
  TenantId,
  Timestamp,
  Traceparent,
  Version,
} from "./words/ids";
export { IndexEntry } from "./documents/index-entry";
export {
  AttemptRequest,
  JOB_MESSAGE_TYPE,
  JOB_RESULT_MESSAGE_TYPE,
  JobAttempt,
  JobKind,
  jobKinds,
  JobMessage,
  jobModel,
  JobRequest,
  JobResult,
  JobResultMessage,
  JobState,
  JobView,
  SyncEntitiesParameters,
  TargetTestParameters,
} from "./job";
export {
  JSON_SCHEMA_BASE,
  jsonSchema,
  jsonSchemas,
  type PublishedSchema,
} from "./http/json-schemas";
export {
  ItemTrial,
  LaneTrials,
  laneTrialsId,
  ProcessRecord,
  processRecordId,
} from "./documents/lane-trials";
export {
  PARKED_MESSAGE_TYPE,
  ParkedId,
  ParkedMessage,
  ParkedRecord,
  ParkedState,
  ParkedView,
} from "./messages/parked-message";
export { LedgerEntry } from "./documents/ledger-entry";
export { limits } from "./words/limits";
export { nearest } from "./words/nearest";
export {
  FailureClass,
  type FinalOutcome,
  finalOutcomes,
  isFinal,
  itemModel,
  ItemOutcome,
  OutcomeCounts,
} from "./words/outcome";
export {
  type AgentPoint,
  agentPoint,
  agentPointChannel,
  agentSteps,
  type CloudPoint,
  cloudPoint,
  cloudPointChannel,
  cloudSteps,
  type PointEvent,
} from "./point";
export { FieldProblem, Problem, PROBLEM_TYPE_BASE, problemOf } from "./words/problem";
export {
  ItemResult,
  RESULT_MESSAGE_TYPE,
  ResultMessage,
  WorkMessageResult,
} from "./messages/result-message";
export { Secret } from "./words/secret";
export { START_MESSAGE_TYPE, StartMessage, startSession } from "./messages/start-message";
export {
  defineStateModel,
  nextState,
  stateDiagram,
  type StateModel,
  type Transition,
} from "./words/state-model";
export {
  ColumnMapping,
  ColumnType,
  DeleteBreaker,
  EntityMapping,
  Expression,
  SyncDefinition,
} from "./sync-definition";
export {
  agentRights,
  cloudRights,
  containers,
  type ContainerTopology,
  containerTopology,
  databaseName,
  historyTtlSeconds,
  jobsQueueName,
  ledgerContainerName,
  type QueueTopology,
  queueTopology,
  resultsQueueName,
  type Right,
  startQueueName,
  type TopologyTimings,
  type WorkerGroup,
  workQueueName,
} from "./topology";
export {
  Attempt,
  TargetIdentifier,
  TargetValue,
  WORK_MESSAGE_TYPE,
  WorkItem,
  WorkMessage,
} from "./messages/work-message";
