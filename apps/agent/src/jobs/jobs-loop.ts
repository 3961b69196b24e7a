/**
 * Takes jobs from the group's queue: leases an attempt over HTTP, completes the message, runs and reports the attempt.
 *
 * Until the lease the broker redelivers the message; from the lease on the cloud re-queues the job. A job for another
 * address, of an unknown kind or of an unreadable shape is dead-lettered with its reason, without a lease.
 */
import {
  type AgentId,
  clip,
  JOB_MESSAGE_TYPE,
  JobMessage,
  jobsQueueName,
  limits,
  readMessage,
} from "@postern/contracts";
import { decideLease, isMessageFault, refuseJob } from "./job-lease-policy";
import {
  type Clock,
  type Logger,
  OutageError,
  outagePauseMs,
  type RandomSource,
  untilAborted,
} from "@postern/runtime";
import type { Broker, Delivery, JobSource } from "../ports/broker";
import type { AttemptReply, ControlApi } from "../ports/control-api";
import type { ResultSource } from "../reports/result-packing";
import type { JobAttempts } from "./attempt";

export interface JobsLoopDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly broker: Broker;
  readonly api: ControlApi;
  readonly log: Logger;
  readonly agent: AgentId;
  readonly source: ResultSource;
  /** Kinds of jobs that run here. */
  readonly kinds: ReadonlySet<string>;
  readonly attempts: Pick<JobAttempts, "run">;
  readonly inFlight: number;
  /** Whether the cloud knows this agent. */
  readonly isRegistered: () => boolean;
}

/** Lease requests before the message is given back for another agent, or a conflict is believed. */
const LEASE_TRIES = 4;

export class JobsLoop {
  readonly #dependencies: JobsLoopDependencies;
  readonly #tasks = new Set<Promise<void>>();
  #fail: (error: unknown) => void = () => undefined;

  constructor(dependencies: JobsLoopDependencies) {
    this.#dependencies = dependencies;
  }

  /** Returns when `stop` is aborted and every job in hand has ended; `cut` ends those. */
  async run(stop: AbortSignal, cut: AbortSignal): Promise<void> {
    const { broker, source, inFlight } = this.#dependencies;
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    const jobs = broker.openJobs(jobsQueueName(source.group), inFlight, (delivery) => {
      // A message that arrives during a drain goes to another agent now, not when its lock expires.
      const taking = stop.aborted ? jobs.abandon(delivery) : this.#take(delivery, jobs, stop, cut);
      const task: Promise<void> = taking
        .catch((error: unknown) => {
          if (error instanceof OutageError) {
            this.#dependencies.log.warn("job-message.failed", {
              messageId: delivery.messageId,
              reason: error.message,
            });
          } else this.#fail(error);
        })
        .finally(() => {
          delivery.returnCredit();
          this.#tasks.delete(task);
        });
      this.#tasks.add(task);
    });
    try {
      await Promise.race([untilAborted(stop), failed]);
      const stopped = jobs.stop();
      await Promise.race([Promise.all(this.#tasks), failed]);
      await Promise.race([stopped, failed]);
      // Messages that arrived while the subscription was being closed.
      await Promise.race([Promise.all(this.#tasks), failed]);
    } finally {
      await jobs.close();
    }
  }

  async #take(
    delivery: Delivery,
    jobs: JobSource,
    stop: AbortSignal,
    cut: AbortSignal,
  ): Promise<void> {
    const { source, kinds, log } = this.#dependencies;
    let job: JobMessage;
    try {
      job = readMessage(
        { schema: JobMessage, type: JOB_MESSAGE_TYPE },
        delivery.properties,
        delivery.body,
      );
    } catch (error) {
      if (!isMessageFault(error)) throw error;
      log.warn("job-message.dead-lettered", { messageId: delivery.messageId, code: error.code });
      await jobs.deadLetter(delivery, {
        code: error.code,
        text: clip(error.message, limits.reasonChars),
      });
      return;
    }
    const refusal = refuseJob(job, source, kinds);
    if (refusal !== undefined) {
      log.warn("job-message.dead-lettered", { messageId: delivery.messageId, code: refusal.code });
      await jobs.deadLetter(delivery, refusal);
      return;
    }
    const reply = await this.#lease(job, stop);
    if (reply === undefined) {
      await jobs.abandon(delivery);
      return;
    }
    const decision = decideLease(reply);
    // Runs only after the broker has confirmed it: otherwise the message may come again, and the cloud grants the
    // attempt again to the agent that holds it. If it does not come again, the lease expires and the cloud queues the
    // job again.
    await jobs.complete(delivery);
    switch (decision.kind) {
      case "drop":
        return;
      case "run":
        return this.#dependencies.attempts.run(job, decision, cut);
    }
  }

  async #lease(job: JobMessage, stop: AbortSignal): Promise<AttemptReply | undefined> {
    const { api, agent, clock, random, log, isRegistered } = this.#dependencies;
    let last: AttemptReply | undefined;
    for (let tries = 1; tries <= LEASE_TRIES && !stop.aborted; tries += 1) {
      let reason: string;
      let retryAfterMs: number | undefined;
      try {
        last = await api.leaseAttempt(job.jobId, agent);
        if (last.kind !== "conflict") return last;
        reason = last.detail;
      } catch (error) {
        if (!(error instanceof OutageError)) throw error;
        last = undefined;
        reason = error.message;
        retryAfterMs = error.retryAfterMs;
      }
      if (tries === 1) log.warn("lease.failed", { jobId: job.jobId, reason });
      await clock.sleep(outagePauseMs(tries + 2, random.next(), retryAfterMs), stop);
    }
    // While the cloud does not know the agent, a conflict says nothing about the job.
    return !stop.aborted && isRegistered() ? last : undefined;
  }
}
