import type { StoredDocument } from "./document";

export interface DatabaseRecord {
  readonly number: number;
  readonly id: string;
  readonly createdMs: number;
}

export interface ContainerRecord {
  readonly number: number;
  readonly databaseNumber: number;
  readonly id: string;
  /** The definition as JSON text. */
  readonly definition: string;
  /** Makes the etags of two containers of the same name differ. */
  readonly salt: string;
  readonly changedMs: number;
  readonly lsn: number;
  readonly documentSequence: number;
}

export interface DocumentRecord {
  readonly partitionKey: string;
  readonly document: StoredDocument;
}

/**
 * Keeps changes over a restart. The engine changes its memory first, reports the change to the journal, and replies to
 * clients from {@link Journal.afterCommit} only.
 */
export interface Journal {
  databases(): DatabaseRecord[];
  containers(): ContainerRecord[];
  /** All documents of a container, in the order of their sequence. */
  documents(containerNumber: number): Iterable<DocumentRecord>;

  putDatabase(record: DatabaseRecord): void;
  removeDatabase(number: number): void;
  putContainer(record: ContainerRecord): void;
  removeContainer(number: number): void;
  putDocument(containerNumber: number, record: DocumentRecord): void;
  removeDocument(containerNumber: number, sequence: number): void;
  /** Keeps the highest numbers assigned in a container, so that a restart never assigns one again. */
  putCounters(containerNumber: number, lsn: number, documentSequence: number): void;
  /** Next number for a database or container. */
  nextNumber(): number;

  /** A stored setting, such as the account key. */
  setting(name: string): string | undefined;
  putSetting(name: string, value: string): void;

  /** Calls back once everything reported so far is safe; with an error if it could not be made safe. */
  afterCommit(callback: (error?: Error) => void): void;
  close(): void;
}
