import type { AgentId, DefinitionId, EntityRef, GroupName, JobId } from "@postern/contracts";
import type { AgentRecord } from "../agents/agent";
import type { JobRecord } from "./job";
import type { Clock, Logger, MessageBus, Random, Stamp, Stored } from "../ports/cloud-ports";

/** What jobs, agents and their lists need from the world, beside the ports of the sync half. */

/** That a caller has used an idempotency key, for which request, and which job came of it. */
interface KeyClaim {
  /** Hash of caller and key. */
  readonly id: string;
  readonly jobId: JobId;
  /** Hash of the request. */
  readonly fingerprint: string;
}

export interface ListOptions {
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after?: string | undefined;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  /** Id to go on after; null at the end. */
  readonly next: string | null;
}

export interface JobStore {
  /** The claim in force: the given one, or the one that came first. */
  claimKey(claim: KeyClaim): Promise<KeyClaim>;
  /** Undefined when one of that id exists. */
  create(job: JobRecord): Promise<Stored<JobRecord> | undefined>;
  read(id: JobId): Promise<Stored<JobRecord> | undefined>;
  /** Those that exist. */
  readMany(ids: readonly JobId[]): Promise<ReadonlyMap<JobId, JobRecord>>;
  /** Undefined when it has changed since `etag`. */
  replace(job: JobRecord, etag: string): Promise<Stored<JobRecord> | undefined>;
  /** Newest first. */
  list(options: ListOptions): Promise<ListPage<JobRecord>>;
  /** Jobs that wait to be sent since before `sentBefore`, or whose lease or deadline has passed. Oldest first, some of them. */
  overdue(options: { now: string; unsentSince: string; limit: number }): Promise<JobId[]>;
}

export interface AgentStore {
  read(id: AgentId): Promise<Stored<AgentRecord> | undefined>;
  /** Undefined when one of that id exists. */
  create(agent: AgentRecord): Promise<Stored<AgentRecord> | undefined>;
  /** Undefined when it has changed since `etag`. */
  replace(agent: AgentRecord, etag: string): Promise<Stored<AgentRecord> | undefined>;
  /** By id. */
  list(options: ListOptions): Promise<ListPage<AgentRecord>>;
}

/** Who did what to which resource, and whether it was allowed. Written once, never changed. */
export interface AuditEntry {
  /** Sorts by time. */
  readonly id: string;
  /** The resource, such as `syncs/people`. Partition key. */
  readonly subject: string;
  readonly at: string;
  readonly action: string;
  readonly actor: { readonly oid: string; readonly azp: string; readonly name: string };
  readonly decision: "allowed" | "denied";
  /** Status of the answer. */
  readonly status: number;
  readonly traceId: string;
  readonly detail: string | null;
  /** Why, in the words of who did it. */
  readonly reason?: string;
  /** What it did to the resource. */
  readonly change?: Readonly<Record<string, string | null>>;
  readonly ttl?: number;
}

export interface AuditTrail {
  /** One of that id is left as it is: the same step may be told twice. */
  add(entry: AuditEntry): Promise<void>;
}

export interface JobPorts {
  readonly stamp: Stamp;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly bus: MessageBus;
  readonly jobStore: JobStore;
  readonly agents: AgentStore;
  /** Sends again what was parked for want of an agent that reads it. */
  sendParked(group: GroupName, capabilities: readonly string[]): Promise<number>;
  /** False when there is no such definition. Safe to repeat. */
  startOnDemand(job: {
    readonly jobId: JobId;
    readonly definition: DefinitionId;
    readonly entities: readonly EntityRef[];
  }): Promise<boolean>;
}
