/**
 * A job and everything that may happen to it, as pure steps from one stored document to the next.
 *
 * States and transitions are `jobModel` of the contracts. A job of a kind that runs on agents is leased: the agent's
 * heartbeats, which list its jobs, keep the lease alive without a write per job. A job of a kind that runs in the cloud
 * receives the progress of its items. Every reader first brings a job up to date with `settleJob`, so that deadlines
 * and lost leases take effect without a timer.
 */
import type { JobAttempt, JobId, JobRequest, JobState } from "@postern/contracts";
import {
  type AgentId,
  explain,
  type GroupName,
  historyTtlSeconds,
  invariant,
  jobKinds,
  jobModel,
  type JobResult,
  type JobResultMessage,
  JobView,
  limits,
  nextState,
  offlineAfterMs,
  Timestamp,
} from "@postern/contracts";
import { z } from "zod";
import type { AgentRecord } from "../agents/agent";
import type { JobProgress } from "../ports/stores";

export const JobRecord = JobView.safeExtend({
  type: z.literal("job"),
  parameters: z.unknown(),
  /** When its message was last accepted by the queue; null: still to be sent, also after a lost lease. */
  dispatchedAt: Timestamp.nullable(),
  /** Attempts leased so far; `attempts` lists only the newest. */
  attemptsMade: z.int().min(0),
  /** End of the lease in force; null without one. */
  leaseUntil: Timestamp.nullable(),
  endedAt: Timestamp.nullable(),
  /** Trace of the request that made the job. */
  traceparent: z.string().max(55).nullable(),
  ttl: z.int().optional(),
}).strip();
export type JobRecord = z.infer<typeof JobRecord>;

/** A lease outlives three missed heartbeats, as the agent itself does. */
export const jobLeaseMs = offlineAfterMs;
/** A job that crashes its agent must not go through the whole group until its deadline. */
const MAX_ATTEMPTS = 10;

const iso = (ms: number): string => new Date(ms).toISOString();

export interface NewJob {
  readonly id: JobId;
  readonly request: JobRequest;
  readonly createdBy: string;
  readonly traceparent: string | null;
  readonly now: number;
}

export function newJob({ id, request, createdBy, traceparent, now }: NewJob): JobRecord {
  return {
    type: "job",
    id,
    kind: request.kind,
    group: request.group,
    parameters: request.parameters,
    timeoutSeconds: request.timeoutSeconds,
    state: jobModel.initial,
    createdAt: iso(now),
    createdBy,
    deadline: iso(now + request.timeoutSeconds * 1_000),
    attempts: [],
    attemptsMade: 0,
    result: null,
    dispatchedAt: null,
    leaseUntil: null,
    endedAt: null,
    traceparent,
  };
}

/** The job as callers see it: only the fields named here. */
export function jobView(job: JobRecord): JobView {
  const { id, kind, group, parameters, timeoutSeconds, state, createdAt, createdBy } = job;
  const { deadline, attempts, result, outcomes, expectedItems } = job;
  return {
    id,
    kind,
    group,
    parameters,
    timeoutSeconds,
    state,
    createdAt,
    createdBy,
    deadline,
    attempts,
    result,
    ...(outcomes === undefined ? {} : { outcomes }),
    ...(expectedItems === undefined ? {} : { expectedItems }),
  };
}

export function isOver(job: JobRecord): boolean {
  return job.state !== "queued" && job.state !== "running";
}

type JobEvent = (typeof jobModel)["transitions"][number]["on"];

function end(job: JobRecord, event: JobEvent, now: number, result: JobResult): JobRecord {
  const state = nextState(jobModel, job.state, event);
  if (state === undefined) return job;
  return {
    ...job,
    state,
    result,
    attempts: closeLast(job.attempts, now),
    leaseUntil: null,
    endedAt: iso(now),
    ttl: historyTtlSeconds,
  };
}

function closeLast(attempts: readonly JobAttempt[], now: number): JobAttempt[] {
  return attempts.map((attempt, index) =>
    index === attempts.length - 1 && attempt.endedAt === null
      ? { ...attempt, endedAt: iso(now) }
      : attempt,
  );
}

/** Brings the job up to date. The same object when nothing has happened. `holder`: the agent of the last attempt. */
export function settleJob(job: JobRecord, now: number, holder: AgentRecord | undefined): JobRecord {
  if (isOver(job)) return job;
  if (now >= Date.parse(job.deadline)) {
    const detail = `${explain("job-deadline")} It was ${job.state} after ${job.timeoutSeconds} s.`;
    return end(job, "deadline", now, { ok: false, code: "job-deadline", detail });
  }
  const attempt = job.attempts.at(-1);
  if (job.state !== "running" || attempt === undefined || job.leaseUntil === null) return job;
  if (now < Date.parse(job.leaseUntil)) return job;
  const renewedUntil = leaseByHeartbeat(job, attempt, holder);
  if (renewedUntil > now) {
    const leaseUntil = iso(renewedUntil);
    return {
      ...job,
      leaseUntil,
      attempts: [...job.attempts.slice(0, -1), { ...attempt, leaseUntil }],
    };
  }
  return loseLease(job, attempt, now);
}

/** An agent that still lists the attempt in its heartbeats holds it as long as it counts as online. */
function leaseByHeartbeat(
  job: JobRecord,
  attempt: JobAttempt,
  holder: AgentRecord | undefined,
): number {
  const listed = holder?.jobs.some(
    (held) => held.jobId === job.id && held.attempt === attempt.attempt,
  );
  return holder !== undefined && listed === true && holder.id === attempt.agent
    ? Date.parse(holder.lastSeenAt) + jobLeaseMs
    : 0;
}

function loseLease(job: JobRecord, attempt: JobAttempt, now: number): JobRecord {
  const lost = `Agent ${attempt.agent} stopped reporting during attempt ${attempt.attempt}`;
  if (!jobKinds[job.kind].idempotent) {
    const detail = `${lost}; whether it took effect is unknown, and jobs of this kind are not repeated automatically.`;
    return end(job, "lease-lost", now, { ok: false, detail });
  }
  if (job.attemptsMade >= MAX_ATTEMPTS) {
    const detail = `${lost}; after ${job.attemptsMade} attempts it is not tried again.`;
    return end(job, "failure", now, { ok: false, code: "poison", detail });
  }
  const state = nextState(jobModel, job.state, "lease-lost-idempotent");
  if (state === undefined) return job;
  return {
    ...job,
    state,
    attempts: closeLast(job.attempts, now),
    leaseUntil: null,
    dispatchedAt: null,
  };
}

export type LeaseDecision =
  | { readonly kind: "leased"; readonly job: JobRecord; readonly attempt: JobAttempt }
  | { readonly kind: "held"; readonly by: string; readonly until: string }
  | { readonly kind: "over"; readonly state: JobState }
  | { readonly kind: "other-group" }
  | { readonly kind: "cloud-runs-it" };

/** Gives `agent` an attempt of a job that has been settled. */
export function leaseJob(
  job: JobRecord,
  agent: { readonly id: AgentId; readonly group: GroupName },
  now: number,
): LeaseDecision {
  if (jobKinds[job.kind].runsOn === "cloud") return { kind: "cloud-runs-it" };
  if (job.group !== agent.group) return { kind: "other-group" };
  const last = job.attempts.at(-1);
  if (job.state === "running" && last !== undefined) {
    // The agent completes the message only once it has its lease, and acts only after that: an agent that asks again,
    // after a lost response or a restart, has not acted yet.
    return last.agent === agent.id
      ? { kind: "leased", job, attempt: last }
      : { kind: "held", by: last.agent, until: last.leaseUntil };
  }
  const state = nextState(jobModel, job.state, "lease");
  if (state === undefined) return { kind: "over", state: job.state };
  const attempt: JobAttempt = {
    attempt: job.attemptsMade + 1,
    agent: agent.id,
    leasedAt: iso(now),
    leaseUntil: iso(now + jobLeaseMs),
    endedAt: null,
  };
  return {
    kind: "leased",
    attempt,
    job: {
      ...job,
      state,
      attempts: [...job.attempts, attempt].slice(-limits.attemptsListed),
      attemptsMade: attempt.attempt,
      leaseUntil: attempt.leaseUntil,
      // Its message has come through, whatever the note about sending it says.
      dispatchedAt: job.dispatchedAt ?? iso(now),
    },
  };
}

/**
 * The job with the result of its attempt in force; unchanged when the result is of another attempt or comes too late.
 */
export function finishJob(job: JobRecord, message: JobResultMessage, now: number): JobRecord {
  const last = job.attempts.at(-1);
  const inForce =
    job.state === "running" &&
    last !== undefined &&
    last.attempt === message.attempt &&
    last.agent === message.agent;
  if (!inForce) return job;
  return end(job, message.result.ok ? "success" : "failure", now, message.result);
}

/** A queued job as it begins without a lease: one of a kind that the cloud runs, or one that cannot be sent. */
function begun(job: JobRecord): JobRecord {
  if (job.state !== "queued") return job;
  const state = nextState(jobModel, job.state, "begin");
  invariant(state, "a queued job can begin");
  return { ...job, state };
}

/** Ends a job that cannot be done at all. */
export function failJob(job: JobRecord, detail: string, now: number): JobRecord {
  return isOver(job) ? job : end(begun(job), "failure", now, { ok: false, detail });
}

/** How far the items of an on-demand job are; ends it when all are final. */
export function progressJob(job: JobRecord, progress: JobProgress, now: number): JobRecord {
  if (isOver(job)) return job;
  const { expectedItems, outcomes } = progress;
  const current: JobRecord = { ...begun(job), expectedItems, outcomes };
  if (!progress.complete) return current;
  const count = (outcome: keyof typeof outcomes): number => outcomes[outcome] ?? 0;
  const failed = count("dead-lettered") + count("outcome-unknown");
  const detail =
    expectedItems === 0
      ? "Nothing to do: none of the entities is in the definition's scope, and none had been sent before."
      : `${expectedItems} ${expectedItems === 1 ? "item" : "items"}: ${Object.entries(outcomes)
          .filter(([, number]) => number > 0)
          .map(([outcome, number]) => `${number} ${outcome}`)
          .join(", ")}.`;
  return end(current, failed > 0 ? "failure" : "success", now, { ok: failed === 0, detail });
}

/** Which of the jobs that an agent says it runs it has to stop: ended, past their deadline, or another's by now. */
export function jobsToStop(
  agent: AgentId,
  held: readonly { readonly jobId: JobId; readonly attempt: number }[],
  known: ReadonlyMap<JobId, JobRecord>,
  now: number,
): JobId[] {
  return held
    .filter(({ jobId, attempt }) => {
      const job = known.get(jobId);
      const last = job?.attempts.at(-1);
      return (
        job?.state !== "running" ||
        now >= Date.parse(job.deadline) ||
        last?.agent !== agent ||
        last.attempt !== attempt
      );
    })
    .map(({ jobId }) => jobId);
}
