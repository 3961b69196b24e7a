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
  /** Makes etags of two containers of the same name differ. */
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
 * Where changes go to survive. The engine changes its memory first, tells the journal, and answers clients from
 * {@link Journal.afterCommit} only.
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
  /** Highest numbers given out in a container, so that a restart never gives one out again. */
  putCounters(containerNumber: number, lsn: number, documentSequence: number): void;
  /** Next number for a database or container. */
  nextNumber(): number;

  /** A remembered setting, such as the account key. */
  setting(name: string): string | undefined;
  putSetting(name: string, value: string): void;

  /** Calls back once everything told so far is safe; with an error if it could not be made safe. */
  afterCommit(callback: (error?: Error) => void): void;
  close(): void;
}
