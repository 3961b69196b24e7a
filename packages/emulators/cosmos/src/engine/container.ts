/**
 * The documents of a container, all in memory, by logical partition and id, as JSON text that is parsed when a query
 * looks inside. Loaded from the journal on first use, so that the start of an emulator does not wait for it.
 *
 * Documents change only through a Transaction (transaction.ts) and the purge of expired ones. An expired document is
 * treated as absent everywhere, whether it has been purged or not.
 */
import type { ContainerRecord, Journal } from "./model/journal";
import type { ContainerDefinition } from "./model/container-definition";
import { uniqueKeysOf, type StoredDocument } from "./model/document";
import { isObject, parseJson, type JsonObject } from "./model/json";
import { Partition } from "./model/partition";
import { isUnderKey, type RequestedKey } from "./model/partition-key";
import { containerResourceId, databaseResourceId, documentResourceId } from "./model/resource-id";

export class Container {
  readonly number: number;
  readonly databaseNumber: number;
  readonly salt: string;
  readonly resourceId: string;
  readonly databaseResourceId: string;
  readonly journal: Journal;
  #definition: ContainerDefinition;
  #changedMs: number;
  #partitions: Map<string, Partition> | undefined;
  /** All documents in the order of their creation, the order of queries and continuation tokens. */
  readonly #bySequence = new Map<number, StoredDocument>();
  lsn: number;
  documentSequence: number;

  constructor(record: ContainerRecord, definition: ContainerDefinition, journal: Journal) {
    this.number = record.number;
    this.databaseNumber = record.databaseNumber;
    this.salt = record.salt;
    this.resourceId = containerResourceId(record.databaseNumber, record.number);
    this.databaseResourceId = databaseResourceId(record.databaseNumber);
    this.lsn = record.lsn;
    this.documentSequence = record.documentSequence;
    this.journal = journal;
    this.#definition = definition;
    this.#changedMs = record.changedMs;
  }

  get definition(): ContainerDefinition {
    return this.#definition;
  }

  redefine(definition: ContainerDefinition, nowMs: number): void {
    this.#definition = definition;
    this.#changedMs = nowMs;
    this.journal.putContainer(this.record());
  }

  record(): ContainerRecord {
    return {
      number: this.number,
      databaseNumber: this.databaseNumber,
      id: this.#definition.id,
      definition: JSON.stringify(this.#definition.resource),
      salt: this.salt,
      changedMs: this.#changedMs,
      lsn: this.lsn,
      documentSequence: this.documentSequence,
    };
  }

  /** The container as clients see it. */
  resource(): JsonObject {
    const self = `dbs/${this.databaseResourceId}/colls/${this.resourceId}/`;
    const stamp = Math.floor(this.#changedMs).toString(16).padStart(12, "0");
    return {
      ...this.#definition.resource,
      _rid: this.resourceId,
      _ts: Math.floor(this.#changedMs / 1000),
      _self: self,
      _etag: `"00000000-${this.salt.slice(0, 4)}-${this.salt.slice(4)}-0000-${stamp}"`,
      _docs: "docs/",
      _sprocs: "sprocs/",
      _triggers: "triggers/",
      _udfs: "udfs/",
      _conflicts: "conflicts/",
    };
  }

  get partitions(): ReadonlyMap<string, Partition> {
    return (this.#partitions ??= this.#load());
  }

  /** All documents, in the order of their sequence. */
  documents(): Iterable<StoredDocument> {
    return this.partitions.size === 0 ? [] : this.#bySequence.values();
  }

  get isLoaded(): boolean {
    return this.#partitions !== undefined;
  }

  /** The partitions under a key; all of them when no key is given. */
  *partitionsUnder(key: RequestedKey | undefined): Iterable<Partition> {
    const components = this.#definition.partitionKeyPaths.length;
    if (key !== undefined && key.length === components) {
      const partition = this.partitions.get(key.text);
      if (partition !== undefined) yield partition;
      return;
    }
    for (const partition of this.partitions.values()) {
      if (key === undefined || isUnderKey(partition.key, key, components)) yield partition;
    }
  }

  /** Whether any document here can expire at all: saves checking each of them. */
  get expires(): boolean {
    return this.#definition.defaultTtlSeconds !== undefined;
  }

  isExpired(document: StoredDocument, nowMs: number): boolean {
    const defaultTtl = this.#definition.defaultTtlSeconds;
    if (defaultTtl === undefined) return false;
    const ttl = document.ttlSeconds ?? defaultTtl;
    return ttl !== -1 && nowMs >= document.writtenMs + ttl * 1000;
  }

  /** The document, unless it is absent or expired. */
  find(partitionKey: string, id: string, nowMs: number): StoredDocument | undefined {
    const document = this.partitions.get(partitionKey)?.documents.get(id);
    return document === undefined || this.isExpired(document, nowMs) ? undefined : document;
  }

  /** Stores a version, in memory and in the journal. Called by transactions only. */
  store(partitionKey: string, document: StoredDocument): void {
    const partition = this.#partitionFor(partitionKey);
    partition.documents.set(document.id, document);
    this.#bySequence.set(document.sequence, document);
    this.journal.putDocument(this.number, { partitionKey, document });
  }

  /** Removes a document, in memory and in the journal. */
  discard(partition: Partition, document: StoredDocument): void {
    if (!partition.documents.delete(document.id)) return;
    this.#bySequence.delete(document.sequence);
    this.releaseUniqueKeys(partition, document);
    if (partition.documents.size === 0) this.#partitions?.delete(partition.key);
    this.journal.removeDocument(this.number, document.sequence);
  }

  /** Frees the unique values that a version held. */
  releaseUniqueKeys(partition: Partition, document: StoredDocument): void {
    for (const [index, value] of this.#uniqueKeysOf(document).entries()) {
      const holders = partition.uniqueHolders[index];
      if (holders?.get(value) === document.id) holders.delete(value);
    }
  }

  #uniqueKeysOf(document: StoredDocument): string[] {
    if (this.#definition.uniqueKeyPaths.length === 0) return [];
    const value = parseJson(document.json);
    return isObject(value) ? uniqueKeysOf(value, this.#definition) : [];
  }

  #partitionFor(key: string): Partition {
    const partitions = (this.#partitions ??= this.#load());
    let partition = partitions.get(key);
    if (partition === undefined) {
      partition = this.#newPartition(key);
      partitions.set(key, partition);
    }
    return partition;
  }

  #newPartition(key: string): Partition {
    return new Partition(key, this.#definition.uniqueKeyPaths.length);
  }

  #load(): Map<string, Partition> {
    const partitions = new Map<string, Partition>();
    for (const { partitionKey, document } of this.journal.documents(this.number)) {
      let partition = partitions.get(partitionKey);
      if (partition === undefined) {
        partition = this.#newPartition(partitionKey);
        partitions.set(partitionKey, partition);
      }
      partition.documents.set(document.id, document);
      this.#bySequence.set(document.sequence, document);
      for (const [index, value] of this.#uniqueKeysOf(document).entries()) {
        partition.uniqueHolders[index]?.set(value, document.id);
      }
    }
    return partitions;
  }

  etag({ lsn, writtenMs }: StoredDocument): string {
    const number = lsn.toString(16).padStart(8, "0");
    const time = Math.floor(writtenMs / 1000)
      .toString(16)
      .padStart(8, "0");
    return `"${number}-${this.salt.slice(0, 4)}-${this.salt.slice(4)}-0000-${time}0000"`;
  }

  /** The document as clients see it: its own JSON text with the system properties at the end. */
  render(document: StoredDocument, withLsn = false): string {
    const rid = documentResourceId(this.databaseNumber, this.number, document.sequence);
    const self = `dbs/${this.databaseResourceId}/colls/${this.resourceId}/docs/${rid}/`;
    const etag = JSON.stringify(this.etag(document));
    const lsn = withLsn ? `,"_lsn":${document.lsn}` : "";
    const seconds = Math.floor(document.writtenMs / 1000);
    return `${document.json.slice(0, -1)},"_rid":"${rid}","_self":"${self}","_etag":${etag},"_attachments":"attachments/","_ts":${seconds}${lsn}}`;
  }
}
