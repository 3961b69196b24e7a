/**
 * Keeps queues in a SQLite file (`service-bus.db` in the data directory).
 *
 * Changes are only noted when they happen. Once per turn of the event loop everything noted is written in one
 * transaction, and then the callbacks given to `after` are called. A message that came and went within a turn is not
 * written. WAL with synchronous=NORMAL: what is committed survives the death of the process (not of the machine).
 */
import { dataUnusable, StartError } from "@postern/emulator-kit";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { z } from "zod";
import type { QueueMessage } from "../engine/model/queue-message";
import { runAll } from "./run-all";
import { SCHEMA } from "./schema";
import type { FixedQueueOptions, Store, StoredQueue } from "../engine/model/store";

const FILE_NAME = "service-bus.db";
/** A locked message is stored as what it returns to: locks do not survive. */
const STATE_CODES = { active: 0, locked: 0, gone: 0, deferred: 1, scheduled: 2 } as const;
const STATES = ["active", "deferred", "scheduled"] as const;

const QueueRow = z.object({
  id: z.int(),
  requires_session: z.int(),
  next_sequence_number: z.int(),
});
const MaxRow = z.object({ last: z.int().nullable() });
const SettingRow = z.object({ value: z.string() });
const Bytes = z.custom<Uint8Array>((value) => ArrayBuffer.isView(value)).transform(asBuffer);
const StateRow = z.object({ session_id: z.string(), state: Bytes });
const IdRow = z.object({ message_id: z.string(), expires_at: z.int() });
const MessageRow = z.object({
  id: z.int(),
  sequence_number: z.int(),
  state: z.int().min(0).max(2),
  delivery_count: z.int(),
  enqueued_at: z.int(),
  expires_at: z.int().nullable(),
  scheduled_for: z.int().nullable(),
  ttl: z.int().nullable(),
  original_sequence_number: z.int().nullable(),
  dead_letter_source: z.string().nullable(),
  message_id: z.string(),
  session_id: z.string().nullable(),
  content: Bytes,
});

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface Statements {
  readonly insert: StatementSync;
  readonly update: StatementSync;
  readonly remove: StatementSync;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
}

/** @throws StartError `data-unusable` if another broker has the file open */
function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;",
    );
    // One broker per directory; a restarted one may find its predecessor still dying.
    database.exec("PRAGMA busy_timeout = 2000; PRAGMA locking_mode = EXCLUSIVE;");
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database.close();
    throw dataUnusable(file, error);
  }
}

export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #lastRow: number;
  #dirty: QueueMessage[] = [];
  #writes: (() => void)[] = [];
  #callbacks: (() => void)[] = [];
  #flushRequested = false;
  #closed = false;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    const database = open(path.join(directory, FILE_NAME));
    this.#database = database;
    this.#statements = {
      insert: database.prepare(
        "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ),
      update: database.prepare(
        "UPDATE messages SET state = ?, delivery_count = ?, content = ? WHERE id = ?",
      ),
      remove: database.prepare("DELETE FROM messages WHERE id = ?"),
      begin: database.prepare("BEGIN"),
      commit: database.prepare("COMMIT"),
    };
    this.#lastRow =
      MaxRow.parse(database.prepare("SELECT max(id) AS last FROM messages").get()).last ?? 0;
  }

  sharedAccessKey(given: string | undefined, make: () => string): string {
    const row = SettingRow.safeParse(
      this.#database.prepare("SELECT value FROM settings WHERE name = 'key'").get(),
    );
    const key = given ?? (row.success ? row.data.value : make());
    this.#database.prepare("INSERT OR REPLACE INTO settings VALUES ('key', ?)").run(key);
    return key;
  }

  openQueue(name: string, { requiresSession }: FixedQueueOptions): StoredQueue {
    const find = this.#database.prepare("SELECT * FROM queues WHERE name = ?");
    let found = find.get(name);
    if (found === undefined) {
      this.#database
        .prepare(
          "INSERT INTO queues (name, requires_session, next_sequence_number) VALUES (?, ?, 1)",
        )
        .run(name, requiresSession ? 1 : 0);
      found = find.get(name);
    }
    const queue = QueueRow.parse(found);
    if ((queue.requires_session === 1) !== requiresSession) {
      throw new StartError(
        "bad-topology",
        `requiresSession of queue '${name}' cannot be changed: the data directory has it as ${!requiresSession}. Keep it, or use another directory.`,
      );
    }
    return {
      queueId: queue.id,
      nextSequenceNumber: queue.next_sequence_number,
      messages: this.#loadMessages(queue.id),
      sessionStates: this.#database
        .prepare("SELECT session_id, state FROM session_states WHERE queue_id = ?")
        .all(queue.id)
        .map((row) => StateRow.parse(row))
        .map((row) => ({ sessionId: row.session_id, state: row.state })),
      recentIds: this.#database
        .prepare(
          "SELECT message_id, expires_at FROM recent_ids WHERE queue_id = ? ORDER BY expires_at",
        )
        .all(queue.id)
        .map((row) => IdRow.parse(row))
        .map((row) => ({ messageId: row.message_id, expiresAtMs: row.expires_at })),
    };
  }

  touch(message: QueueMessage): void {
    if (message.dirty) return;
    message.dirty = true;
    this.#dirty.push(message);
    this.#requestFlush();
  }

  reserveSequenceNumbers(queueId: number, below: number): void {
    this.#write("UPDATE queues SET next_sequence_number = ? WHERE id = ?", below, queueId);
  }

  saveSessionState(queueId: number, sessionId: string, state: Buffer | undefined): void {
    if (state === undefined)
      this.#write(
        "DELETE FROM session_states WHERE queue_id = ? AND session_id = ?",
        queueId,
        sessionId,
      );
    else
      this.#write(
        "INSERT OR REPLACE INTO session_states VALUES (?, ?, ?)",
        queueId,
        sessionId,
        state,
      );
  }

  rememberId(queueId: number, messageId: string, expiresAtMs: number): void {
    this.#write(
      "INSERT OR REPLACE INTO recent_ids VALUES (?, ?, ?)",
      queueId,
      expiresAtMs,
      messageId,
    );
  }

  forgetIds(queueId: number, untilMs: number): void {
    this.#write("DELETE FROM recent_ids WHERE queue_id = ? AND expires_at <= ?", queueId, untilMs);
  }

  after(callback: () => void): void {
    this.#callbacks.push(callback);
    this.#requestFlush();
  }

  close(): void {
    this.#flush();
    this.#closed = true;
    this.#database.close();
  }

  readonly #prepared = new Map<string, StatementSync>();

  #write(sql: string, ...values: (number | string | Buffer)[]): void {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    const prepared = statement;
    this.#writes.push(() => prepared.run(...values));
    this.#requestFlush();
  }

  #requestFlush(): void {
    if (this.#flushRequested) return;
    this.#flushRequested = true;
    setImmediate(() => this.#flush());
  }

  /** Commits everything noted, then runs the callbacks. What they change is noted for the next commit. */
  #flush(): void {
    this.#flushRequested = false;
    if (this.#closed) return;
    const dirty = this.#dirty;
    const writes = this.#writes;
    const callbacks = this.#callbacks;
    this.#dirty = [];
    this.#writes = [];
    this.#callbacks = [];
    if (dirty.length > 0 || writes.length > 0) {
      this.#statements.begin.run();
      for (const message of dirty) this.#save(message);
      for (const write of writes) write();
      this.#statements.commit.run();
    }
    runAll(callbacks);
  }

  #save(message: QueueMessage): void {
    message.dirty = false;
    const { insert, update, remove } = this.#statements;
    if (message.state === "gone") {
      if (message.row > 0) remove.run(message.row);
    } else if (message.row > 0) {
      update.run(STATE_CODES[message.state], message.deliveryCount, message.content, message.row);
    } else {
      message.row = ++this.#lastRow;
      insert.run(
        message.row,
        message.queueId,
        message.sequenceNumber,
        STATE_CODES[message.state],
        message.deliveryCount,
        message.enqueuedAtMs,
        message.expiresAtMs === Infinity ? null : message.expiresAtMs,
        message.scheduledForMs ?? null,
        message.ttlMs ?? null,
        message.originalSequenceNumber ?? null,
        message.deadLetterSource ?? null,
        message.messageId,
        message.sessionId ?? null,
        message.content,
      );
    }
  }

  #loadMessages(queueId: number): QueueMessage[] {
    const messages: QueueMessage[] = [];
    const rows = this.#database.prepare(
      "SELECT * FROM messages WHERE queue_id = ? ORDER BY sequence_number",
    );
    for (const each of rows.iterate(queueId)) {
      const row = MessageRow.parse(each);
      messages.push({
        queueId,
        sequenceNumber: row.sequence_number,
        messageId: row.message_id,
        sessionId: row.session_id ?? undefined,
        ttlMs: row.ttl ?? undefined,
        scheduledForMs: row.scheduled_for ?? undefined,
        enqueuedAtMs: row.enqueued_at,
        expiresAtMs: row.expires_at ?? Infinity,
        originalSequenceNumber: row.original_sequence_number ?? undefined,
        deadLetterSource: row.dead_letter_source ?? undefined,
        content: row.content,
        deliveryCount: row.delivery_count,
        state: STATES[row.state] ?? "active",
        row: row.id,
        dirty: false,
      });
    }
    return messages;
  }
}
