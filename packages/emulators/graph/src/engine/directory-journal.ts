/** What the directory reports to its store, and what the store returns at the next start. */
import type { Change } from "./change-log";
import type { DirectoryObject } from "./directory-object";

/** Makes changes durable. */
export interface DirectoryJournal {
  object(object: DirectoryObject): void;
  memberAdded(group: DirectoryObject, member: DirectoryObject, seq: number): void;
  memberRemoved(group: DirectoryObject, member: DirectoryObject): void;
  change(change: Change): void;
  startSeq(seq: number): void;
}

interface StoredObject extends Pick<
  DirectoryObject,
  "id" | "collection" | "odataType" | "ordinal" | "state" | "deletedAt"
> {
  readonly properties: Record<string, unknown>;
  readonly managerId: string | undefined;
}

export interface StoredDirectory {
  readonly objects: Iterable<StoredObject>;
  readonly members: Iterable<{
    readonly groupId: string;
    readonly memberId: string;
    readonly seq: number;
  }>;
  readonly changes: Iterable<Change>;
  readonly startSeq: number;
}

export const emptyDirectory: StoredDirectory = {
  objects: [],
  members: [],
  changes: [],
  startSeq: 0,
};
