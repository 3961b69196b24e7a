import type { DeadLetter } from "@postern/contracts";
import type { AuditTrail } from "../audit/audit-trail";
import type { MakeIndexedItem } from "../ports/indexed-item";
import type { ListOptions, ListPage } from "../ports/list-page";
import type { Stored } from "../ports/stores";
import type { SyncPorts } from "../ports/cloud-ports";

/** What reading, replaying and discarding dead letters needs from the world. */
export interface DeadLetterQuery {
  readonly state?: DeadLetter["state"] | undefined;
  readonly group?: string | undefined;
  readonly code?: string | undefined;
  readonly definition?: string | undefined;
  readonly target?: string | undefined;
}

export interface DeadLetterStore {
  /** Newest first. */
  list(query: DeadLetterQuery, options: ListOptions): Promise<ListPage<DeadLetter>>;
  /** Oldest first: open ones, and those whose replay was begun and not sent before `now`. */
  replayable(
    query: Omit<DeadLetterQuery, "state">,
    options: ListOptions & { readonly now: string },
  ): Promise<ListPage<DeadLetter>>;
  /**
   * Dead letters whose replay was begun but neither sent nor counted before `now`; those that wait longest come first.
   */
  unfinished(options: {
    readonly limit: number;
    readonly now: string;
  }): Promise<readonly Pick<DeadLetter, "id" | "group" | "definition">[]>;
  /** Groups of those ids that exist. */
  groupsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  read(id: string, group: string): Promise<Stored<DeadLetter> | undefined>;
  /** Undefined when it has changed since `etag`. */
  replace(deadLetter: DeadLetter, etag: string): Promise<Stored<DeadLetter> | undefined>;
}

export interface DeadLetterPorts extends Pick<
  SyncPorts,
  | "stamp"
  | "clock"
  | "random"
  | "logger"
  | "tracing"
  | "bus"
  | "definitions"
  | "progress"
  | "index"
  | "workKeys"
> {
  readonly letters: DeadLetterStore;
  readonly audit: AuditTrail;
  readonly indexedItem: MakeIndexedItem;
}
