import type { Container } from "./container";
import type { DocumentDraft, StoredDocument } from "./model/document";
import { CosmosError } from "./model/cosmos-error";

interface DraftWrite {
  readonly document: StoredDocument;
  readonly uniqueKeys: readonly string[];
}

/**
 * Changes to one logical partition that are applied together or not at all: reads see the changes made so far, the
 * container sees them at {@link Transaction.commit}. Everything happens within one turn of the event loop, so no other
 * writer needs to be isolated.
 */
export class Transaction {
  readonly container: Container;
  readonly partitionKey: string;
  readonly #nowMs: number;
  readonly #writes = new Map<string, DraftWrite | undefined>();
  #lsn: number;
  #documentSequence: number;

  constructor(container: Container, partitionKey: string, nowMs: number) {
    this.container = container;
    this.partitionKey = partitionKey;
    this.#nowMs = nowMs;
    this.#lsn = container.lsn;
    this.#documentSequence = container.documentSequence;
  }

  find(id: string): StoredDocument | undefined {
    if (this.#writes.has(id)) return this.#writes.get(id)?.document;
    return this.container.find(this.partitionKey, id, this.#nowMs);
  }

  /** @throws CosmosError `Conflict` if another document has the same unique values */
  put(draft: DocumentDraft): StoredDocument {
    this.#checkUniqueKeys(draft);
    const current = this.find(draft.id);
    const document: StoredDocument = {
      sequence: current?.sequence ?? ++this.#documentSequence,
      id: draft.id,
      json: draft.json,
      lsn: ++this.#lsn,
      writtenMs: this.#nowMs,
      ttlSeconds: draft.ttlSeconds,
    };
    // A document deleted and created again in one transaction is stored after those created in between.
    if (current === undefined) this.#writes.delete(draft.id);
    this.#writes.set(draft.id, { document, uniqueKeys: draft.uniqueKeys });
    return document;
  }

  remove(id: string): void {
    this.#lsn += 1;
    this.#writes.set(id, undefined);
  }

  /** Makes the changes visible and hands them to the journal. */
  commit(): void {
    const { container, partitionKey } = this;
    for (const [id, write] of this.#writes) {
      const partition = container.partitions.get(partitionKey);
      const current = partition?.documents.get(id);
      // A document recreated under its id, or one written over an expired one, goes to the end of the partition.
      const replaced = write !== undefined && write.document.sequence === current?.sequence;
      if (partition !== undefined && current !== undefined) {
        if (replaced) container.releaseUniqueKeys(partition, current);
        else container.discard(partition, current);
      }
      if (write === undefined) continue;
      container.store(partitionKey, write.document);
    }
    const partition = container.partitions.get(partitionKey);
    for (const [id, write] of this.#writes) {
      write?.uniqueKeys.forEach((value, index) => partition?.uniqueHolders[index]?.set(value, id));
    }
    container.lsn = this.#lsn;
    container.documentSequence = this.#documentSequence;
    if (this.#writes.size > 0) {
      container.journal.putCounters(container.number, this.#lsn, this.#documentSequence);
    }
  }

  #checkUniqueKeys({ id, uniqueKeys }: DocumentDraft): void {
    if (uniqueKeys.length === 0) return;
    const partition = this.container.partitions.get(this.partitionKey);
    uniqueKeys.forEach((value, index) => {
      for (const [otherId, other] of this.#writes) {
        if (otherId !== id && other?.uniqueKeys[index] === value) throw uniqueConflict();
      }
      const holder = partition?.uniqueHolders[index]?.get(value);
      if (holder === undefined || holder === id || this.#writes.has(holder)) return;
      if (this.find(holder) !== undefined) throw uniqueConflict();
    });
  }
}

function uniqueConflict(): CosmosError {
  return new CosmosError(
    "Conflict",
    "Unique index constraint violation: another document of this partition has the same values.",
  );
}
