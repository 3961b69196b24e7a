import type { JobId } from "@postern/contracts";
import type { AgentStore } from "../agents/agent-ports";
import type { ListOptions, ListPage } from "../ports/list-page";
import type { JobRecord } from "./job";
import type { JobKindRegistry } from "./job-kind";
import type { WallClock, Logger, Random } from "@postern/runtime";
import type { Stamp } from "../ports/cloud-ports";
import type { WorkKeys } from "../ports/work-keys";
import type { Stored } from "../ports/stores";

/** That a caller has used an idempotency key, for which request, and which job came of it. */
interface KeyClaim {
  /** Hash of caller and key. */
  readonly id: string;
  readonly jobId: JobId;
  /** Hash of the request. */
  readonly fingerprint: string;
}

export interface JobStore {
  /** The claim in force: the given one, or the one that came first. */
  claimKey(claim: KeyClaim): Promise<KeyClaim>;
  /** Undefined when a job with that id exists. */
  create(job: JobRecord): Promise<Stored<JobRecord> | undefined>;
  read(id: JobId): Promise<Stored<JobRecord> | undefined>;
  /** Those that exist. */
  readMany(ids: readonly JobId[]): Promise<ReadonlyMap<JobId, JobRecord>>;
  /** Undefined when it has changed since `etag`. */
  replace(job: JobRecord, etag: string): Promise<Stored<JobRecord> | undefined>;
  /** Newest first. */
  list(options: ListOptions): Promise<ListPage<JobRecord>>;
  /**
   * Jobs that wait to be sent since before `sentBefore`, or whose lease or deadline has passed. Oldest first, some of
   * them.
   */
  overdue(options: { now: string; unsentSince: string; limit: number }): Promise<JobId[]>;
}

export interface JobPorts {
  readonly stamp: Stamp;
  readonly clock: WallClock;
  /** Leases are stamped, so that results can prove that they come from their holders. */
  readonly workKeys: WorkKeys;
  readonly random: Random;
  readonly logger: Logger;
  readonly jobStore: JobStore;
  readonly agents: Pick<AgentStore, "read">;
  readonly kinds: JobKindRegistry;
}
