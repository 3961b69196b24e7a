/** An object of the directory as everything outside the directory sees it: read-only. */
import type { CollectionName } from "./property-catalog";

type ObjectState = "live" | "deleted" | "purged";

export interface DirectoryObject {
  readonly id: string;
  /** Absent for objects that are known only because others refer to them (devices, service principals, …). */
  readonly collection: CollectionName | undefined;
  readonly odataType: string;
  /** Position in its collection: the sequence number of its creation. */
  readonly ordinal: number;
  readonly state: ObjectState;
  readonly deletedAt: string | undefined;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly manager: DirectoryObject | undefined;
  readonly reports: ReadonlySet<DirectoryObject>;
  /** Members with the sequence number at which they joined; in that order. */
  readonly members: ReadonlyMap<DirectoryObject, number>;
  readonly memberOf: ReadonlySet<DirectoryObject>;
}

export function isVisible(object: DirectoryObject | undefined): object is DirectoryObject {
  return object?.state === "live";
}
