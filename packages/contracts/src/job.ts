import { z } from "zod";
import { EntityRef } from "./words/entity";
import {
  AgentId,
  BranchId,
  DefinitionId,
  GroupName,
  JobId,
  MessageId,
  TargetName,
  TenantId,
  Timestamp,
} from "./words/ids";
import { AuthenticationCode, KeyId } from "./messages/work-proof";
import { limits } from "./words/limits";
import { OutcomeCounts } from "./words/outcome";
import { defineStateModel } from "./words/state-model";

export const JobKind = z.enum(["target.test", "sync.entities"]);
export type JobKind = z.infer<typeof JobKind>;

export const TargetTestParameters = z.strictObject({ target: TargetName });
export const SyncEntitiesParameters = z.strictObject({
  definition: DefinitionId,
  entities: z.array(EntityRef.strict()).min(1).max(limits.entitiesPerJob),
  /** Compares the target's rows, whatever the ledger says: a restored target does not hold what was applied. */
  verify: z.boolean().optional(),
});
export type SyncEntitiesParameters = z.infer<typeof SyncEntitiesParameters>;

/** The registry of job kinds: where each runs, and whether a lost attempt may simply be made again. */
export const jobKinds = {
  "target.test": { parameters: TargetTestParameters, runsOn: "agent", idempotent: true },
  "sync.entities": { parameters: SyncEntitiesParameters, runsOn: "cloud", idempotent: true },
} as const satisfies Record<
  JobKind,
  { parameters: z.ZodType; runsOn: "agent" | "cloud"; idempotent: boolean }
>;

const timeoutSeconds = z.int().min(1).max(86_400);

/** `POST /api/jobs`. The schema of `parameters` depends on `kind`. */
export const JobRequest = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("target.test"),
    group: GroupName,
    parameters: TargetTestParameters,
    timeoutSeconds: timeoutSeconds.default(60),
  }),
  z.strictObject({
    kind: z.literal("sync.entities"),
    group: GroupName,
    parameters: SyncEntitiesParameters,
    timeoutSeconds: timeoutSeconds.default(300),
  }),
]);
export type JobRequest = z.infer<typeof JobRequest>;

export const JobState = z.enum([
  "queued",
  "running",
  "succeeded",
  "failed",
  "timed-out",
  "cancelled",
  "outcome-unknown",
]);
export type JobState = z.infer<typeof JobState>;

export const jobModel = defineStateModel({
  name: "job",
  initial: "queued",
  states: ["queued", "running", "succeeded", "failed", "timed-out", "cancelled", "outcome-unknown"],
  transitions: [
    { from: "queued", on: "lease", to: "running" },
    { from: "queued", on: "begin", to: "running" },
    { from: "queued", on: "cancel", to: "cancelled" },
    { from: "queued", on: "deadline", to: "timed-out" },
    { from: "running", on: "success", to: "succeeded" },
    { from: "running", on: "failure", to: "failed" },
    { from: "running", on: "deadline", to: "timed-out" },
    { from: "running", on: "cancel", to: "cancelled" },
    { from: "running", on: "lease-lost-idempotent", to: "queued" },
    { from: "running", on: "lease-lost", to: "outcome-unknown" },
  ],
});

export const JobAttempt = z.strictObject({
  attempt: z.int().min(1),
  agent: z.string().max(100),
  leasedAt: Timestamp,
  leaseUntil: Timestamp,
  endedAt: Timestamp.nullable(),
});
export type JobAttempt = z.infer<typeof JobAttempt>;

/** What a job came to; `detail` is made for a person, `data` for a program. */
export const JobResult = z.object({
  ok: z.boolean(),
  code: z.string().max(limits.codeChars).optional(),
  detail: z.string().max(limits.reasonChars),
  data: z
    .record(
      z.string().max(100),
      z.union([z.string().max(limits.reasonChars), z.number(), z.boolean(), z.null()]),
    )
    .optional(),
});
export type JobResult = z.infer<typeof JobResult>;

export const JobView = z.strictObject({
  id: JobId,
  kind: JobKind,
  group: GroupName,
  parameters: z.unknown(),
  timeoutSeconds,
  state: JobState,
  createdAt: Timestamp,
  createdBy: z.string().max(200),
  deadline: Timestamp,
  attempts: z.array(JobAttempt).max(limits.attemptsListed),
  result: JobResult.nullable(),
  /** `sync.entities`: what became of its items. */
  outcomes: OutcomeCounts.optional(),
  expectedItems: z.int().min(0).optional(),
});
export type JobView = z.infer<typeof JobView>;

/** Proves that the sender of a job's result holds the lease of its attempt. */
export const LeaseProof = z.object({ key: KeyId, at: Timestamp, code: AuthenticationCode });
export type LeaseProof = z.infer<typeof LeaseProof>;

/** A leased attempt, as only its agent sees it. */
export const JobLease = JobAttempt.extend({ proof: LeaseProof });
export type JobLease = z.infer<typeof JobLease>;

/** `POST /api/jobs/{id}/attempts`: 201 with the lease, 409 if it is held by another agent or over. */
export const AttemptRequest = z.object({ agent: AgentId });
export type AttemptRequest = z.infer<typeof AttemptRequest>;

export const JOB_MESSAGE_TYPE = "postern.job.run.v1";
/** In `jobs-GROUP`. The agent leases an attempt over HTTP before it acts. */
export const JobMessage = z.object({
  messageId: MessageId,
  tenant: TenantId,
  branch: BranchId,
  jobId: JobId,
  kind: JobKind,
  group: GroupName,
  parameters: z.unknown(),
  timeoutSeconds,
});
export type JobMessage = z.infer<typeof JobMessage>;

export const JOB_RESULT_MESSAGE_TYPE = "postern.job.result.v1";
/** In `results-GROUP`. */
export const JobResultMessage = z.object({
  messageId: MessageId,
  tenant: TenantId,
  branch: BranchId,
  group: GroupName,
  agent: AgentId,
  jobId: JobId,
  attempt: z.int().min(1),
  at: Timestamp,
  result: JobResult,
  /** Of the lease, as the cloud gave it. */
  proof: LeaseProof,
});
export type JobResultMessage = z.infer<typeof JobResultMessage>;
