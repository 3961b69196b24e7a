import type { AgentId, GroupName, Heartbeat, JobId } from "@postern/contracts";
import type { Logger, WallClock } from "@postern/runtime";
import type { Stamp } from "../ports/cloud-ports";
import type { Stored } from "../ports/stores";
import type { ListOptions, ListPage } from "../ports/list-page";
import type { AgentRecord } from "./agent";

export interface AgentStore {
  read(id: AgentId): Promise<Stored<AgentRecord> | undefined>;
  /** Undefined when an agent with that id exists. */
  create(agent: AgentRecord): Promise<Stored<AgentRecord> | undefined>;
  /** Undefined when it has changed since `etag`. */
  replace(agent: AgentRecord, etag: string): Promise<Stored<AgentRecord> | undefined>;
  /** By id. */
  list(options: ListOptions): Promise<ListPage<AgentRecord>>;
}

export interface AgentPorts {
  readonly stamp: Stamp;
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly agents: AgentStore;
  /** Which of the jobs that the agent reports as running it has to stop. */
  cancellations(agent: AgentId, running: Heartbeat["jobs"], nowMs: number): Promise<JobId[]>;
  /** Sends parked messages that an agent with these capabilities reads. Returns how many were sent. */
  sendParked(group: GroupName, capabilities: readonly string[]): Promise<number>;
}
