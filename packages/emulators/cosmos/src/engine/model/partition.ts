import type { StoredDocument } from "./document";

/**
 * A logical partition: the documents that share a partition key, by id. A new version of a document keeps the place of
 * the old one, so the order of iteration is the order of `sequence`; continuation tokens rely on it.
 */
export class Partition {
  readonly key: string;
  readonly documents = new Map<string, StoredDocument>();
  /** For each unique key of the container: the id of the document that holds a value. */
  readonly uniqueHolders: readonly Map<string, string>[];

  constructor(key: string, uniqueKeys: number) {
    this.key = key;
    this.uniqueHolders = Array.from({ length: uniqueKeys }, () => new Map<string, string>());
  }
}
