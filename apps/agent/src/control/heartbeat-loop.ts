/**
 * Registers the agent and sends a heartbeat every 10 s. A failed heartbeat is not repeated: the next one carries newer
 * facts.
 */
import type { AgentId, Heartbeat, HeartbeatReply, JobId } from "@postern/contracts";
import { type Clock, type Logger, OutageError } from "@postern/runtime";
import type { ControlApi } from "../ports/control-api";

/** Pause after a failure: the cloud knows the agent only once it has registered. */
const RETRY_MS = 2_000;

export interface HeartbeatDependencies {
  readonly clock: Clock;
  readonly api: ControlApi;
  readonly log: Logger;
  readonly agent: AgentId;
  readonly intervalMs: number;
  readonly snapshot: () => Heartbeat;
  readonly cancel: (job: JobId) => void;
}

export class HeartbeatLoop {
  readonly #dependencies: HeartbeatDependencies;
  #failures = 0;
  #registered = false;

  constructor(dependencies: HeartbeatDependencies) {
    this.#dependencies = dependencies;
  }

  /** Whether the cloud has answered the latest heartbeat, and so knows this agent. */
  get isAnswered(): boolean {
    return this.#registered && this.#failures === 0;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const reply = await this.beat();
      for (const job of reply?.cancellations ?? []) this.#dependencies.cancel(job);
      const pauseMs =
        reply === undefined
          ? Math.min(RETRY_MS, this.#dependencies.intervalMs)
          : Math.min(reply.nextHeartbeatMs, this.#dependencies.intervalMs);
      await this.#dependencies.clock.sleep(pauseMs, stop);
    }
  }

  /** Sends one heartbeat; returns undefined when it failed. */
  async beat(): Promise<HeartbeatReply | undefined> {
    const { api, agent, log, snapshot } = this.#dependencies;
    try {
      const reply = await api.heartbeat(agent, snapshot());
      if (!this.#registered) log.info("agent.registered", {});
      else if (this.#failures > 0)
        log.info("control-api.recovered", { failedTries: this.#failures });
      this.#registered = true;
      this.#failures = 0;
      return reply;
    } catch (error) {
      if (!(error instanceof OutageError)) throw error;
      this.#failures += 1;
      if (this.#failures === 1) {
        log.warn("control-api.failed", { code: error.code, reason: error.message });
      }
      return undefined;
    }
  }
}
