import type { JobPorts } from "../jobs/job-ports";
import { startOnDemand } from "../domain/operations";
import { sendParked } from "../parked/parked-messages";
import type { Platform } from "../app/platform";
import { ServiceUnavailable } from "../ports/cloud-ports";
import { createAgentStore } from "../agents/agent-store";
import { createJobStore } from "../jobs/job-store";
import { TimeLimitExceeded, withinTimeLimit } from "./time-limit";

/** How long a caller waits for a job to be sent. It is stored by then, and sent later if need be. */
const SEND_LIMIT_MS = 3_000;

/** The ports of jobs and agents, wired to the platform. */
export function jobPorts(platform: Platform): JobPorts {
  const { stamp, clock, random, logger, bus, database } = platform;
  return {
    stamp,
    clock,
    random,
    logger,
    bus: { send: (queue, messages) => bounded(bus.send(queue, messages)) },
    jobStore: createJobStore(database),
    agents: createAgentStore(database),
    sendParked: (group, capabilities) => bounded(sendParked(platform, group, capabilities)),
    startOnDemand: async (job) => (await bounded(startOnDemand(platform, job))) !== undefined,
  };
}

/** A send that comes through after all is harmless: its message id is that of the send that repairs it. */
async function bounded<T>(work: Promise<T>): Promise<T> {
  try {
    return await withinTimeLimit(work, SEND_LIMIT_MS);
  } catch (error) {
    if (!(error instanceof TimeLimitExceeded)) throw error;
    throw new ServiceUnavailable("service-bus", "messages are not accepted in time", {
      cause: error,
    });
  }
}
