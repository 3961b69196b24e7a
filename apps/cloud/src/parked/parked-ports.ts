import type { GroupName, ParkedRecord } from "@postern/contracts";
import type { AgentStore } from "../agents/agent-ports";
import type { SyncPorts } from "../ports/cloud-ports";
import type { ListOptions, ListPage } from "../ports/list-page";
import type { Stored } from "../ports/stores";

export interface ParkedStore {
  /** One that exists is left as it is: the same message may be reported twice. */
  add(records: readonly ParkedRecord[]): Promise<void>;
  /** Still parked, by id, some of them; none at the end. */
  waiting(group: GroupName, after?: string): Promise<readonly Stored<ParkedRecord>[]>;
  /** False when it has changed since `etag`. */
  replace(record: ParkedRecord, etag: string): Promise<boolean>;
  /** By id. */
  list(query: ParkedQuery, options: ListOptions): Promise<ListPage<ParkedRecord>>;
  find(id: string): Promise<ParkedRecord | undefined>;
}

export interface ParkedQuery {
  readonly state?: ParkedRecord["state"] | undefined;
  readonly group?: string | undefined;
  readonly target?: string | undefined;
}

export interface ParkedPorts extends Pick<
  SyncPorts,
  "stamp" | "clock" | "logger" | "bus" | "progress" | "deadLetters" | "workKeys" | "security"
> {
  readonly parked: ParkedStore;
  readonly agents: Pick<AgentStore, "list">;
}
