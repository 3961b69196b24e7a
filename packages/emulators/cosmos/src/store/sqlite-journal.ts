/**
 * Group commit: the changes of one turn of the event loop are collected, written in one transaction at the end of the
 * turn, and only then acknowledged. Several writes of one document in a turn are one row write. synchronous=NORMAL: a
 * killed process loses nothing that was acknowledged (the log is in the page cache); a power cut may lose the last
 * commits.
 *
 * A failed commit leaves memory ahead of the disk, so the journal stays failed: every later reply is an error until the
 * emulator is restarted.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { dataUnusable } from "@postern/emulator-kit";
import type {
  ContainerRecord,
  DatabaseRecord,
  DocumentRecord,
  Journal,
} from "../engine/model/journal";

/** Room for 2^36 documents a container and 2^17 containers within the integers of JavaScript. */
const SEQUENCE_SPAN = 2 ** 36;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS databases (number INTEGER PRIMARY KEY, id TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS containers (
    number INTEGER PRIMARY KEY, database_number INTEGER NOT NULL, id TEXT NOT NULL, definition TEXT NOT NULL,
    salt TEXT NOT NULL, changed_ms INTEGER NOT NULL, lsn INTEGER NOT NULL, document_sequence INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS documents (
    place INTEGER PRIMARY KEY, partition_key TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL,
    lsn INTEGER NOT NULL, written_ms INTEGER NOT NULL, ttl_seconds INTEGER) STRICT;
`;

/**
 * Opens the file for this process alone: a second emulator would overwrite the documents of the first.
 *
 * @throws StartError `data-unusable`
 */
function open(directory: string): DatabaseSync {
  const file = path.join(directory, "cosmos.sqlite");
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA locking_mode=EXCLUSIVE");
    database.exec("PRAGMA journal_mode=WAL");
    database.exec("PRAGMA synchronous=NORMAL");
    database.exec("PRAGMA wal_autocheckpoint=4000");
    database.exec(SCHEMA);
    database.exec("BEGIN IMMEDIATE; COMMIT");
  } catch (error) {
    database.close();
    throw dataUnusable(file, error);
  }
  return database;
}

interface PendingContainer {
  readonly documents: Map<number, DocumentRecord | undefined>;
  lsn: number;
  documentSequence: number;
}

export class SqliteJournal implements Journal {
  readonly #database: DatabaseSync;
  readonly #putDocument: StatementSync;
  readonly #removeDocument: StatementSync;
  readonly #putCounters: StatementSync;
  #pending = new Map<number, PendingContainer>();
  #statements: (() => void)[] = [];
  #waiting: ((error?: Error) => void)[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #failure: Error | undefined;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#database = open(directory);
    this.#putDocument = this.#database.prepare(
      "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#removeDocument = this.#database.prepare("DELETE FROM documents WHERE place = ?");
    this.#putCounters = this.#database.prepare(
      "UPDATE containers SET lsn = max(lsn, ?), document_sequence = max(document_sequence, ?) WHERE number = ?",
    );
  }

  databases(): DatabaseRecord[] {
    const rows = this.#database.prepare("SELECT * FROM databases ORDER BY number").all();
    return rows.map((row) => ({
      number: Number(row["number"]),
      id: String(row["id"]),
      createdMs: Number(row["created_ms"]),
    }));
  }

  containers(): ContainerRecord[] {
    const rows = this.#database.prepare("SELECT * FROM containers ORDER BY number").all();
    return rows.map((row) => ({
      number: Number(row["number"]),
      databaseNumber: Number(row["database_number"]),
      id: String(row["id"]),
      definition: String(row["definition"]),
      salt: String(row["salt"]),
      changedMs: Number(row["changed_ms"]),
      lsn: Number(row["lsn"]),
      documentSequence: Number(row["document_sequence"]),
    }));
  }

  *documents(containerNumber: number): Iterable<DocumentRecord> {
    const first = containerNumber * SEQUENCE_SPAN;
    const rows = this.#database
      .prepare("SELECT * FROM documents WHERE place >= ? AND place < ? ORDER BY place")
      .iterate(first, first + SEQUENCE_SPAN);
    for (const { place, partition_key, id, json, lsn, written_ms, ttl_seconds } of rows) {
      yield {
        partitionKey: String(partition_key),
        document: {
          sequence: Number(place) - first,
          id: String(id),
          json: String(json),
          lsn: Number(lsn),
          writtenMs: Number(written_ms),
          ttlSeconds: ttl_seconds === null ? undefined : Number(ttl_seconds),
        },
      };
    }
  }

  putDatabase({ number, id, createdMs }: DatabaseRecord): void {
    this.#later("INSERT OR REPLACE INTO databases VALUES (?, ?, ?)", number, id, createdMs);
  }

  removeDatabase(number: number): void {
    this.#later("DELETE FROM databases WHERE number = ?", number);
  }

  putContainer(record: ContainerRecord): void {
    this.#later(
      "INSERT OR REPLACE INTO containers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      record.number,
      record.databaseNumber,
      record.id,
      record.definition,
      record.salt,
      record.changedMs,
      record.lsn,
      record.documentSequence,
    );
  }

  removeContainer(number: number): void {
    this.#pending.delete(number);
    const first = number * SEQUENCE_SPAN;
    this.#later("DELETE FROM containers WHERE number = ?", number);
    this.#later(
      "DELETE FROM documents WHERE place >= ? AND place < ?",
      first,
      first + SEQUENCE_SPAN,
    );
  }

  putDocument(containerNumber: number, record: DocumentRecord): void {
    this.#pendingOf(containerNumber).documents.set(record.document.sequence, record);
  }

  removeDocument(containerNumber: number, sequence: number): void {
    this.#pendingOf(containerNumber).documents.set(sequence, undefined);
  }

  putCounters(containerNumber: number, lsn: number, documentSequence: number): void {
    const pending = this.#pendingOf(containerNumber);
    pending.lsn = Math.max(pending.lsn, lsn);
    pending.documentSequence = Math.max(pending.documentSequence, documentSequence);
  }

  nextNumber(): number {
    const number = Number(this.setting("number") ?? "0") + 1;
    this.putSetting("number", String(number));
    return number;
  }

  setting(name: string): string | undefined {
    const row = this.#database.prepare("SELECT value FROM settings WHERE name = ?").get(name);
    return row === undefined ? undefined : String(row["value"]);
  }

  putSetting(name: string, value: string): void {
    this.#database.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?)").run(name, value);
  }

  afterCommit(callback: (error?: Error) => void): void {
    // Reads wait as well: no client may see a value that a kill could still undo.
    if (this.#scheduled === undefined) callback(this.#failure);
    else this.#waiting.push(callback);
  }

  close(): void {
    if (this.#scheduled !== undefined) {
      clearImmediate(this.#scheduled);
      this.#commit();
    }
    this.#database.close();
  }

  #later(sql: string, ...values: (string | number)[]): void {
    this.#statements.push(() => this.#database.prepare(sql).run(...values));
    this.#schedule();
  }

  #pendingOf(containerNumber: number): PendingContainer {
    let pending = this.#pending.get(containerNumber);
    if (pending === undefined) {
      pending = { documents: new Map(), lsn: 0, documentSequence: 0 };
      this.#pending.set(containerNumber, pending);
      this.#schedule();
    }
    return pending;
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => this.#commit());
  }

  #commit(): void {
    this.#scheduled = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#failure === undefined) {
      try {
        this.#database.exec("BEGIN IMMEDIATE");
        for (const statement of this.#statements) statement();
        for (const [number, pending] of this.#pending) this.#writePending(number, pending);
        this.#database.exec("COMMIT");
      } catch (error) {
        this.#failure = error instanceof Error ? error : new Error(String(error));
      }
    }
    this.#statements = [];
    this.#pending = new Map();
    for (const callback of waiting) callback(this.#failure);
  }

  #writePending(containerNumber: number, pending: PendingContainer): void {
    const first = containerNumber * SEQUENCE_SPAN;
    for (const [sequence, record] of pending.documents) {
      if (record === undefined) {
        this.#removeDocument.run(first + sequence);
        continue;
      }
      const { id, json, lsn, writtenMs, ttlSeconds } = record.document;
      this.#putDocument.run(
        first + sequence,
        record.partitionKey,
        id,
        json,
        lsn,
        writtenMs,
        ttlSeconds ?? null,
      );
    }
    this.#putCounters.run(pending.lsn, pending.documentSequence, containerNumber);
  }
}
