import type { IndexEntry, SyncDefinition, WorkItem } from "@postern/contracts";

export type IndexedItem =
  { readonly ok: true; readonly item: WorkItem } | { readonly ok: false; readonly problem: string };

/**
 * What the entity was last sent as, by what the cloud itself knows. None when it was never sent, when the breaker holds
 * its newest state, or when the definition no longer maps it.
 */
export type MakeIndexedItem = (
  definition: SyncDefinition,
  entry: IndexEntry | undefined,
) => IndexedItem;
