/** The public names of the contracts, a block for each room. */

// Words: ids, entities, outcomes, errors, log events, bounds.
export { clip } from "./words/clip";
export { type Decimal, decimalOf } from "./decimal";
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
export { entityKey } from "./words/entity-key";
export { type ErrorCode, errorCodes, explain, invariant, PosternError } from "./words/error-codes";
export { fieldProblems, problemText } from "./words/field-problems";
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
export { limits } from "./words/limits";
export { type LogEvent, logEvents, type LoggedBy } from "./words/log-events";
export { nearest } from "./words/nearest";
export {
  FailureClass,
  type FinalOutcome,
  finalOutcomes,
  isException,
  isFinal,
  itemModel,
  ItemOutcome,
  OutcomeCounts,
} from "./words/outcome";
export { FieldProblem, Problem, PROBLEM_TYPE_BASE, problemOf } from "./words/problem";
export { Secret } from "./words/secret";
export {
  defineStateModel,
  nextState,
  stateDiagram,
  type StateModel,
  type Transition,
} from "./words/state-model";

// Messages that cross Service Bus.
export {
  Accounting,
  accountingOf,
  posternProperties,
  PosternProperties,
  readPosternProperties,
} from "./messages/accounting";
export {
  eventAttribute,
  type EventAttributes,
  eventProperties,
  parseEventType,
  readMessage,
  type ReadOptions,
} from "./messages/cloud-event";
export { contentHash } from "./messages/content-hash";
export {
  PARKED_MESSAGE_TYPE,
  ParkedId,
  ParkedMessage,
  ParkedRecord,
  ParkedState,
  ParkedView,
} from "./messages/parked-message";
export {
  type EnvelopeFacts,
  envelopeCode,
  isSameCode,
  type KeyBytes,
  leaseCode,
  type LeaseFacts,
  partCode,
  type PartFacts,
} from "./messages/proof-codes";
export {
  jsonTextBytes,
  reportBorders,
  type ReportPart,
  type StampedPart,
  stampedParts,
} from "./messages/report-parts";
export {
  ItemResult,
  RESULT_MESSAGE_TYPE,
  ResultMessage,
  WorkMessageResult,
} from "./messages/result-message";
export { bodyHash, provenProperties, workProof, type WorkSigner } from "./messages/sign-work";
export { START_MESSAGE_TYPE, StartMessage, startSession } from "./messages/start-message";
export {
  Attempt,
  ContentHash,
  TargetIdentifier,
  TargetValue,
  WORK_MESSAGE_TYPE,
  WorkItem,
  WorkMessage,
} from "./messages/work-message";
export { AuthenticationCode, KeyId, PartProof, WorkProof } from "./messages/work-proof";

// Documents kept in Cosmos DB.
export {
  SecurityEvent,
  SecurityEventCount,
  SecurityEventKind,
  securityEventsKept,
  SecurityEventView,
} from "./documents/security-event";
export { Checkpoint, checkpointId, DefinitionCounter, PageRecord } from "./documents/checkpoint";
export {
  Cycle,
  CycleKind,
  cycleModel,
  CycleState,
  CycleView,
  Marker,
  WaitingItem,
} from "./documents/cycle";
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
export { Hold, holdId } from "./documents/hold";
export { IndexEntry } from "./documents/index-entry";
export {
  ItemTrial,
  LaneTrials,
  laneTrialsId,
  ProcessRecord,
  processRecordId,
} from "./documents/lane-trials";
export { LedgerEntry } from "./documents/ledger-entry";

// The HTTP API.
export { agentControlRoutes } from "./http/agent-control-routes";
export { AgentList } from "./http/agent-routes";
export { CycleAccepted, CycleList } from "./http/cycle-routes";
export { DeadLetterList } from "./http/dead-letter-routes";
export { Health } from "./http/service-routes";
export { HoldList, HoldView, ReleaseReply, ReleaseRequest } from "./http/hold-routes";
export { IdempotencyKey, JobList } from "./http/job-routes";
export {
  JSON_SCHEMA_BASE,
  jsonSchema,
  jsonSchemas,
  type PublishedSchema,
} from "./http/json-schemas";
export { ParkedList } from "./http/parked-routes";
export { SecurityEventList } from "./http/security-routes";
export {
  defaultBodyBytes,
  EntityTag,
  type MediaType,
  Role,
  type Route,
  type RouteResponse,
} from "./http/route";
export { type OperationId, routes } from "./http/routes";
export { SyncList, SyncView } from "./http/sync-routes";

// What several rooms share: agents, jobs, sync definitions, topology.
export {
  AgentView,
  Heartbeat,
  heartbeatIntervalMs,
  HeartbeatReply,
  offlineAfterMs,
  TargetHealth,
} from "./agent";
export {
  AttemptRequest,
  JOB_MESSAGE_TYPE,
  JOB_RESULT_MESSAGE_TYPE,
  JobAttempt,
  JobKind,
  JobLease,
  LeaseProof,
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
export {
  ColumnMapping,
  ColumnType,
  DeleteBreaker,
  EntityMapping,
  Expression,
  SyncDefinition,
} from "./sync-definition";
export {
  cloudGroupName,
  agentRights,
  cloudRights,
  containers,
  type ContainerTopology,
  containerTopology,
  cosmosTopology,
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
  workKeySecretName,
  workQueueName,
} from "./topology";
