import { z } from "zod";
import { AgentView, Heartbeat, HeartbeatReply } from "../agent";
import { CycleView } from "../documents/cycle";
import {
  DeadLetterBatchReply,
  DeadLetterBatchRequest,
  DeadLetterId,
  DeadLetterRequest,
  DeadLetterResult,
  DeadLetterState,
  DeadLetterView,
} from "../documents/dead-letter";
import { EntityType } from "../words/entity";
import type { ErrorCode } from "../words/error-codes";
import { HoldId } from "../documents/hold";
import { AgentId, CycleId, DefinitionId, JobId, Timestamp } from "../words/ids";
import { AttemptRequest, JobAttempt, JobRequest, JobView } from "../job";
import { ParkedId, ParkedState, ParkedView } from "../messages/parked-message";
import { SyncDefinition } from "../sync-definition";

/** App roles of the `roles` claim. */
export const Role = z.enum(["Reader", "Operator", "TargetAdmin", "Approver", "Agent"]);
export type Role = z.infer<typeof Role>;

const page = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    /** Opaque; pass it back as `continuation`. */ continuation: z.string().nullable(),
  });

/** Names a request for its repetition: the same key with the same request makes one job. */
export const IdempotencyKey = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/, { error: "must be 1 to 128 visible ASCII characters" });

/** Entity tag of RFC 9110, as `ETag` gave it. */
export const EntityTag = z
  .string()
  .max(200)
  .regex(/^(\*|(W\/)?"[\x21\x23-\x7e]*")$/, { error: 'must be one entity tag in quotes, or "*"' });

export const JobList = page(JobView);
export const AgentList = page(AgentView);
export const DeadLetterList = page(DeadLetterView);
export const ParkedList = page(ParkedView);

export const SyncView = z.strictObject({
  definition: SyncDefinition,
  etag: z.string(),
  /** The cycle that began last. */
  lastCycle: CycleView.nullable(),
  /** True when every stream stands at a delta link and every item has an outcome. */
  inStep: z.boolean(),
  heldItems: z.int().min(0),
});
export type SyncView = z.infer<typeof SyncView>;
export const SyncList = page(SyncView);

export const CycleAccepted = z.strictObject({
  cycleId: z.string(),
  definition: DefinitionId,
  startedAt: Timestamp,
});

export const HoldView = z.strictObject({
  id: z.string(),
  definition: DefinitionId,
  entityType: EntityType,
  entityId: z.string(),
  version: z.int(),
  cause: z.string(),
  reason: z.string(),
  heldAt: Timestamp,
});
export const CycleList = page(CycleView);
export const HoldList = page(HoldView);
export const ReleaseRequest = z.strictObject({
  /** Ids of holds; all of the definition when absent. */
  holds: z.array(HoldId).min(1).max(1_000).optional(),
  reason: z.string().trim().min(1, { error: "say why: it is kept in the audit trail" }).max(500),
});
export const ReleaseReply = z.strictObject({ released: z.int().min(0) });

export const Health = z.strictObject({
  status: z.enum(["ok", "degraded"]),
  version: z.string(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      ok: z.boolean(),
      detail: z.string().optional(),
      durationMs: z.number(),
    }),
  ),
});

export interface Route {
  readonly method: "GET" | "POST" | "PUT";
  /** Path below `/api`, with `{parameters}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** Any one of these; none = anonymous. */
  readonly roles: readonly Role[];
  /** Schema of the path's parameters; each is named here. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Request headers that the route reads, in lower case. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Media types of the body; JSON when absent. */
  readonly bodyTypes?: readonly MediaType[];
  /** Default: `defaultBodyBytes`. */
  readonly maxBodyBytes?: number;
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Errors of this route beyond those that any authenticated route may answer. */
  readonly problems?: readonly ErrorCode[];
}

export type MediaType = "application/json" | "application/yaml";

export interface RouteResponse {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Response headers and what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Bytes of a request body where the route does not say otherwise: a job with 100 entities takes 30 KB. */
export const defaultBodyBytes = 64 * 1024;

const listQuery = z.strictObject({
  limit: z.coerce.number({ error: "must be a whole number" }).int().min(1).max(200).default(50),
  continuation: z.string().max(2_000).optional(),
});

const etagHeader = { ETag: "Version of the definition, for If-Match" };

/** Every route of the HTTP API: handlers, authorisation tests and the OpenAPI document are made from this table. */
export const routes = [
  {
    method: "POST",
    path: "jobs",
    operationId: "createJob",
    summary: "Enqueue an ad hoc job",
    roles: ["Operator"],
    headers: z.strictObject({ "idempotency-key": IdempotencyKey.optional() }),
    body: JobRequest,
    responses: {
      202: { description: "Accepted", schema: JobView, headers: { Location: "Path of the job" } },
    },
    problems: ["idempotency-mismatch"],
  },
  {
    method: "GET",
    path: "jobs",
    operationId: "listJobs",
    summary: "List jobs, newest first",
    roles: ["Reader", "Operator"],
    query: listQuery,
    responses: { 200: { description: "A page of jobs", schema: JobList } },
  },
  {
    method: "GET",
    path: "jobs/{id}",
    operationId: "getJob",
    summary: "Show one job",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: JobId }),
    responses: { 200: { description: "The job", schema: JobView } },
    problems: ["not-found"],
  },
  {
    method: "POST",
    path: "jobs/{id}/attempts",
    operationId: "leaseAttempt",
    summary: "Lease an attempt of a job (agents)",
    roles: ["Agent"],
    params: z.strictObject({ id: JobId }),
    body: AttemptRequest,
    responses: { 201: { description: "The attempt is leased", schema: JobAttempt } },
    problems: ["not-found", "attempt-held", "conflict"],
  },
  {
    method: "GET",
    path: "syncs",
    operationId: "listSyncs",
    summary: "List sync definitions",
    roles: ["Reader", "Operator"],
    query: listQuery,
    responses: { 200: { description: "A page of sync definitions", schema: SyncList } },
  },
  {
    method: "GET",
    path: "syncs/{id}",
    operationId: "getSync",
    summary: "Show a sync definition and where it stands",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DefinitionId }),
    responses: {
      200: { description: "The sync definition", schema: SyncView, headers: etagHeader },
    },
    problems: ["not-found"],
  },
  {
    method: "PUT",
    path: "syncs/{id}",
    operationId: "putSync",
    summary: "Create or replace a sync definition",
    roles: ["TargetAdmin"],
    params: z.strictObject({ id: DefinitionId }),
    headers: z.strictObject({ "if-match": EntityTag.optional() }),
    body: SyncDefinition,
    bodyTypes: ["application/json", "application/yaml"],
    maxBodyBytes: 512 * 1024,
    responses: {
      200: { description: "Replaced", schema: SyncView, headers: etagHeader },
      201: { description: "Created", schema: SyncView, headers: etagHeader },
    },
    problems: ["definition-invalid", "expression-invalid", "precondition-failed"],
  },
  {
    method: "POST",
    path: "syncs/{id}/cycles",
    operationId: "startCycle",
    summary: "Start a cycle now",
    roles: ["Operator"],
    params: z.strictObject({ id: DefinitionId }),
    responses: {
      202: {
        description: "Accepted",
        schema: CycleAccepted,
        headers: { Location: "Path of the cycle" },
      },
    },
    problems: ["not-found", "conflict"],
  },
  {
    method: "GET",
    path: "syncs/{id}/cycles",
    operationId: "listCycles",
    summary: "List cycles, newest first",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DefinitionId }),
    query: listQuery,
    responses: { 200: { description: "A page of cycles", schema: CycleList } },
    problems: ["not-found"],
  },
  {
    method: "GET",
    path: "syncs/{id}/cycles/{cycleId}",
    operationId: "getCycle",
    summary: "Show a cycle and its counts",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DefinitionId, cycleId: CycleId }),
    responses: { 200: { description: "The cycle", schema: CycleView } },
    problems: ["not-found"],
  },
  {
    method: "GET",
    path: "syncs/{id}/holds",
    operationId: "listHolds",
    summary: "List items held by the delete breaker",
    roles: ["Reader", "Operator", "Approver"],
    params: z.strictObject({ id: DefinitionId }),
    query: listQuery,
    responses: { 200: { description: "A page of holds", schema: HoldList } },
    problems: ["not-found"],
  },
  {
    method: "POST",
    path: "syncs/{id}/holds/release",
    operationId: "releaseHolds",
    summary: "Release held items",
    roles: ["Approver"],
    params: z.strictObject({ id: DefinitionId }),
    body: ReleaseRequest,
    maxBodyBytes: 512 * 1024,
    responses: { 200: { description: "Released", schema: ReleaseReply } },
    problems: ["not-found"],
  },
  {
    method: "GET",
    path: "agents",
    operationId: "listAgents",
    summary: "List agents",
    roles: ["Reader", "Operator"],
    query: listQuery,
    responses: { 200: { description: "A page of agents", schema: AgentList } },
  },
  {
    method: "POST",
    path: "agents/{id}/heartbeat",
    operationId: "heartbeat",
    summary: "Register or report as alive (agents)",
    roles: ["Agent"],
    params: z.strictObject({ id: AgentId }),
    body: Heartbeat,
    // 1,000 jobs in flight with their progress, and 200 targets with a reason each.
    maxBodyBytes: 1024 * 1024,
    responses: { 200: { description: "Noted", schema: HeartbeatReply } },
    problems: ["conflict"],
  },
  {
    method: "GET",
    path: "deadletters",
    operationId: "listDeadLetters",
    summary: "List dead letters, newest first",
    roles: ["Reader", "Operator"],
    query: listQuery.extend({
      state: DeadLetterState.optional(),
      group: z.string().max(40).optional(),
      code: z.string().max(60).optional(),
      definition: z.string().max(40).optional(),
      target: z.string().max(40).optional(),
    }),
    responses: { 200: { description: "A page of dead letters", schema: DeadLetterList } },
  },
  {
    method: "GET",
    path: "deadletters/{id}",
    operationId: "getDeadLetter",
    summary: "Show a dead letter; its payload in full for operators only",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DeadLetterId }),
    query: z.strictObject({ payload: z.enum(["redacted", "full"]).default("redacted") }),
    responses: {
      200: {
        description: "The dead letter",
        schema: DeadLetterView,
        headers: { ETag: "Version of the dead letter, for If-Match" },
      },
    },
    problems: ["not-found"],
  },
  {
    method: "POST",
    path: "deadletters/{id}/replay",
    operationId: "replayDeadLetter",
    summary: "Send a dead-lettered item again",
    roles: ["Operator"],
    params: z.strictObject({ id: DeadLetterId }),
    headers: z.strictObject({ "if-match": EntityTag.optional() }),
    body: DeadLetterRequest,
    responses: {
      200: { description: "Replayed, or superseded by something newer", schema: DeadLetterResult },
    },
    problems: ["not-found", "replay-refused", "precondition-failed"],
  },
  {
    method: "POST",
    path: "deadletters/replay",
    operationId: "replayDeadLetters",
    summary: "Send many dead-lettered items again, 50 a second",
    roles: ["Operator"],
    body: DeadLetterBatchRequest,
    maxBodyBytes: 512 * 1024,
    responses: { 200: { description: "What became of each", schema: DeadLetterBatchReply } },
  },
  {
    method: "POST",
    path: "deadletters/{id}/discard",
    operationId: "discardDeadLetter",
    summary: "Close a dead letter without sending it again",
    roles: ["Operator"],
    params: z.strictObject({ id: DeadLetterId }),
    headers: z.strictObject({ "if-match": EntityTag.optional() }),
    body: DeadLetterRequest,
    responses: { 200: { description: "Discarded", schema: DeadLetterResult } },
    problems: ["not-found", "conflict", "precondition-failed"],
  },
  {
    method: "POST",
    path: "deadletters/discard",
    operationId: "discardDeadLetters",
    summary: "Close many dead letters without sending them again",
    roles: ["Operator"],
    body: DeadLetterBatchRequest,
    maxBodyBytes: 512 * 1024,
    responses: { 200: { description: "What became of each", schema: DeadLetterBatchReply } },
  },
  {
    method: "GET",
    path: "parked",
    operationId: "listParked",
    summary: "List messages that wait for an agent that reads them, by id",
    roles: ["Reader", "Operator"],
    query: listQuery.extend({
      state: ParkedState.optional(),
      group: z.string().max(40).optional(),
      target: z.string().max(40).optional(),
    }),
    responses: { 200: { description: "A page of parked messages", schema: ParkedList } },
  },
  {
    method: "GET",
    path: "parked/{id}",
    operationId: "getParked",
    summary: "Show a parked message; its payload in full for operators only",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: ParkedId }),
    query: z.strictObject({ payload: z.enum(["redacted", "full"]).default("redacted") }),
    responses: { 200: { description: "The parked message", schema: ParkedView } },
    problems: ["not-found"],
  },
  {
    method: "GET",
    path: "health",
    operationId: "getHealth",
    summary: "Whether the services it needs answer",
    roles: [],
    responses: {
      200: { description: "Healthy", schema: Health },
      503: { description: "Something does not answer", schema: Health },
    },
  },
  {
    method: "GET",
    path: "openapi.json",
    operationId: "getOpenApi",
    summary: "This interface as OpenAPI 3.1",
    roles: [],
    responses: { 200: { description: "The document", schema: z.looseObject({}) } },
  },
] as const satisfies readonly Route[];

export type OperationId = (typeof routes)[number]["operationId"];
