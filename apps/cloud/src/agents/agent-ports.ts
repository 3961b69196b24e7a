import type { AgentId } from "@postern/contracts";
import type { Stored } from "../ports/stores";
import type { ListOptions, ListPage } from "../ports/list-page";
import type { AgentRecord } from "./agent";

export interface AgentStore {
  read(id: AgentId): Promise<Stored<AgentRecord> | undefined>;
  /** Undefined when one of that id exists. */
  create(agent: AgentRecord): Promise<Stored<AgentRecord> | undefined>;
  /** Undefined when it has changed since `etag`. */
  replace(agent: AgentRecord, etag: string): Promise<Stored<AgentRecord> | undefined>;
  /** By id. */
  list(options: ListOptions): Promise<ListPage<AgentRecord>>;
}
