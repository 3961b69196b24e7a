/**
 * Runs leased attempts of jobs and reports their results. An attempt ends by itself, at the job's deadline, when it is
 * cancelled, or when the agent cuts off its work. The cloud re-queues an attempt that reports no result.
 */
import {
  eventProperties,
  JOB_RESULT_MESSAGE_TYPE,
  type JobId,
  type JobMessage,
  type JobResult,
  type JobResultMessage,
  type LeaseProof,
  type MessageId,
  posternProperties,
  resultsQueueName,
} from "@postern/contracts";
import {
  type Clock,
  type Logger,
  OutageError,
  outagePauseMs,
  type RandomSource,
  startDeadline,
  timestamp,
  untilAborted,
} from "@postern/runtime";
import type { Broker, OutgoingMessage } from "../ports/broker";
import type { ResultSource } from "../reports/result-packing";
import { jobBudgetMs } from "./job-lease-policy";
import type { JobKindRegistry } from "./kinds/registry";

export interface JobAttemptsDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly broker: Broker;
  readonly log: Logger;
  readonly source: ResultSource;
  readonly registry: JobKindRegistry;
}

/** An attempt that is leased to this agent. */
export interface HeldLease {
  readonly attempt: number;
  readonly proof: LeaseProof;
}

interface RunningAttempt {
  readonly attempt: number;
  readonly cancel: AbortController;
}

export class JobAttempts {
  readonly #dependencies: JobAttemptsDependencies;
  readonly #running = new Map<JobId, RunningAttempt>();

  constructor(dependencies: JobAttemptsDependencies) {
    this.#dependencies = dependencies;
  }

  running(): { jobId: JobId; attempt: number }[] {
    return [...this.#running].map(([jobId, { attempt }]) => ({ jobId, attempt }));
  }

  cancel(job: JobId): void {
    this.#running.get(job)?.cancel.abort(new Error("cancelled"));
  }

  /**
   * Runs an attempt and reports it; `cut` ends it.
   *
   * @throws OutageError when the result could not be sent before `cut`
   */
  async run(job: JobMessage, { attempt, proof }: HeldLease, cut: AbortSignal): Promise<void> {
    const { clock, log, source } = this.#dependencies;
    const began = clock.monotonicMs();
    const result = await this.#execute(job, attempt, cut);
    log.info("job.finished", {
      jobId: job.jobId,
      kind: job.kind,
      attempt,
      ok: result.ok,
      code: result.code,
      durationMs: Math.round(clock.monotonicMs() - began),
    });
    await this.#report(resultMessage(job, { attempt, proof }, result, source, clock.wallMs()), cut);
  }

  async #execute(job: JobMessage, attempt: number, cut: AbortSignal): Promise<JobResult> {
    const { clock, registry } = this.#dependencies;
    const cancel = new AbortController();
    this.#running.set(job.jobId, { attempt, cancel });
    const onCut = (): void => cancel.abort(new Error("the agent stops"));
    cut.addEventListener("abort", onCut, { once: true });
    const deadline = startDeadline(clock, jobBudgetMs(job), cancel.signal);
    try {
      return await Promise.race([
        registry.run(job, deadline.signal),
        untilAborted(deadline.signal).then(() =>
          stoppedResult(job, deadline.passed(), cancel.signal),
        ),
      ]);
    } finally {
      deadline.end();
      cut.removeEventListener("abort", onCut);
      this.#running.delete(job.jobId);
    }
  }

  /** Sends until the broker has accepted it or the agent must go. */
  async #report(message: OutgoingMessage, cut: AbortSignal): Promise<void> {
    const { broker, clock, random, source } = this.#dependencies;
    for (let tries = 1; ; tries += 1) {
      try {
        await broker.send(resultsQueueName(source.group), [message]);
        return;
      } catch (error) {
        if (!(error instanceof OutageError) || cut.aborted) throw error;
        await clock.sleep(outagePauseMs(tries, random.next(), error.retryAfterMs), cut);
      }
    }
  }
}

function resultMessage(
  { jobId }: JobMessage,
  { attempt, proof }: HeldLease,
  result: JobResult,
  source: ResultSource,
  wallMs: number,
): OutgoingMessage {
  const messageId = `jr:${jobId}:${attempt}` as MessageId;
  const at = timestamp(wallMs);
  const body: JobResultMessage = { messageId, ...source, jobId, attempt, at, result, proof };
  return {
    messageId,
    body,
    properties: {
      ...eventProperties({
        id: messageId,
        source: `agent/${source.agent}`,
        type: JOB_RESULT_MESSAGE_TYPE,
        time: at,
      }),
      ...posternProperties({ group: source.group }),
    },
  };
}

function stoppedResult(
  job: JobMessage,
  deadlinePassed: boolean,
  cancelled: AbortSignal,
): JobResult {
  if (deadlinePassed) {
    return {
      ok: false,
      code: "job-deadline",
      detail: `The job did not end within ${job.timeoutSeconds} s and was stopped.`,
    };
  }
  const why = cancelled.reason instanceof Error ? cancelled.reason.message : "stopped";
  return { ok: false, code: "conflict", detail: `The job was stopped: ${why}.` };
}
