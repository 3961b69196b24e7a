/**
 * Kysely on node:sqlite. There is one connection; Kysely's own mutex gives it to one transaction at a time.
 *
 * A statement blocks the thread until SQLite returns, which is why a target has a separate thread. Waits for a lock are
 * cut into short ones: `busy_timeout` is short, and a transaction takes the write lock at its start (`begin immediate`)
 * by retrying between turns of the thread's event loop. So probes are answered, and the thread can be ended, in the
 * meantime.
 *
 * The file must exist: a wrong path must not create an empty database. If the file was replaced (restored from a copy),
 * the handle to the old file is dropped before the next transaction, which would otherwise write to a deleted file.
 */
import { statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { RecentlyUsed } from "../recently-used";
import { isBusy, isPlainError, refusedByParser } from "./sqlite-failures";

export interface SqliteOptions {
  readonly file: string;
  readonly lockTimeoutMs: number;
  /** Called each time a statement returns or fails. */
  readonly onReturned?: () => void;
}

const LOOP_FRIENDLY_BUSY_MS = 20;
const LOCK_RETRY_MS = 5;
const STATEMENTS_CACHED = 200;

class SqliteFileMissing extends Error {
  readonly code = "sqlite-file-missing";
}

export class NodeSqliteDialect implements Dialect {
  readonly #options: SqliteOptions;
  #driver: NodeSqliteDriver | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  createDriver(): Driver {
    this.#driver = new NodeSqliteDriver(this.#options);
    return this.#driver;
  }

  /** Whether the file that is at the path now is open. */
  get isOpen(): boolean {
    return this.#driver?.isOpen === true;
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): SqliteAdapter {
    return new SqliteAdapter();
  }

  createIntrospector(database: Kysely<unknown>): SqliteIntrospector {
    return new SqliteIntrospector(database);
  }
}

class NodeSqliteDriver implements Driver {
  readonly #options: SqliteOptions;
  #connection: NodeSqliteConnection | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return (
      this.#connection !== undefined &&
      this.#connection.identity === fileIdentity(this.#options.file)
    );
  }

  async init(): Promise<void> {
    // The first use opens the file, so that a file that was missing is found as soon as it is there.
  }

  /** Never throws: Kysely would keep its mutex, and every later call would wait forever. */
  async acquireConnection(): Promise<DatabaseConnection> {
    try {
      return this.#connect();
    } catch (error) {
      return new NoConnection(error);
    }
  }

  #connect(): NodeSqliteConnection {
    const identity = fileIdentity(this.#options.file);
    if (identity === undefined) {
      this.#closeConnection();
      throw new SqliteFileMissing(`there is no file ${this.#options.file}`);
    }
    if (this.#connection?.identity !== identity) {
      this.#closeConnection();
      this.#connection = new NodeSqliteConnection(
        openDatabase(this.#options.file),
        identity,
        this.#options.onReturned,
      );
    }
    return this.#connection;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const deadline = performance.now() + this.#options.lockTimeoutMs;
    for (;;) {
      try {
        await connection.executeQuery(CompiledQuery.raw("begin immediate"));
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw error;
      }
      await delay(LOCK_RETRY_MS);
    }
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // SQLite ends the transaction itself when the disk is full or a write fails.
    if (!(connection instanceof NodeSqliteConnection) || !connection.inTransaction) return;
    await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async releaseConnection(): Promise<void> {
    // The only connection stays open.
  }

  async destroy(): Promise<void> {
    this.#closeConnection();
  }

  #closeConnection(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

/** Stands in for a database that could not be opened: the first statement fails with the reason. */
class NoConnection implements DatabaseConnection {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  async executeQuery<Row>(): Promise<QueryResult<Row>> {
    throw this.#error;
  }

  // eslint-disable-next-line require-yield -- part of Kysely's interface
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw this.#error;
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly identity: string;
  readonly #database: DatabaseSync;
  readonly #onReturned: (() => void) | undefined;
  readonly #statements = new RecentlyUsed<StatementSync>(STATEMENTS_CACHED);

  constructor(database: DatabaseSync, identity: string, onReturned: (() => void) | undefined) {
    this.#database = database;
    this.identity = identity;
    this.#onReturned = onReturned;
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters.map(inputValue);
    try {
      if (statement.columns().length > 0) {
        // node:sqlite types rows as its own output values; Kysely's caller names the row type.
        return { rows: statement.all(...parameters) as Row[] };
      }
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (error) {
      if (isPlainError(error)) this.#assertStillParses(query.sql);
      throw error;
    } finally {
      this.#onReturned?.();
    }
  }

  // eslint-disable-next-line require-yield -- part of Kysely's interface; this driver does not stream
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error("this driver does not stream");
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  /**
   * SQLite parses a cached statement again after a schema change, so the error may come from the parser or from a row.
   */
  #assertStillParses(sql: string): void {
    this.#statements.delete(sql);
    this.#prepare(sql);
  }

  #prepare(sql: string): StatementSync {
    return this.#statements.get(sql, () => {
      try {
        return this.#database.prepare(sql);
      } catch (error) {
        throw refusedByParser(error);
      }
    });
  }
}

function openDatabase(file: string): DatabaseSync {
  const location = pathToFileURL(file);
  location.searchParams.set("mode", "rw");
  const database = new DatabaseSync(location, { timeout: LOOP_FRIENDLY_BUSY_MS });
  try {
    database.exec("pragma journal_mode = wal");
    // FULL: an item reported as applied must survive a power cut, or the ledger would be ahead of the target.
    database.exec(
      "pragma synchronous = full; pragma foreign_keys = on; pragma trusted_schema = off",
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function fileIdentity(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

function inputValue(value: unknown): SQLInputValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value;
    case "boolean":
      return value ? 1n : 0n;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      throw new TypeError(`cannot bind a ${typeof value} to a statement`);
  }
}
