import type { ColumnType } from "@postern/contracts";
import type { Kysely, RawBuilder } from "kysely";
import type { SqlFailure } from "./sql-failure";

/** Tables are known only at run time: the target's own catalogue is the schema. */
export type Tables = Record<string, Record<string, unknown>>;
export type Database = Kysely<Tables>;

/** A value that can be bound to a statement. */
export type SqlParameter = string | number | bigint | boolean | null;

/** What a column stores. Decides how a value is converted before it is bound. */
export type ColumnKind =
  "text" | "integer" | "number" | "boolean" | "json" | "date" | "timestamp" | "other";

/** Which texts a column takes for the same key: only equal ones, or also those of other case or padding. */
export type KeyFold = "exact" | "case" | "padding";

export interface Column {
  readonly name: string;
  /** As the database declares it; for messages. */
  readonly declaredType: string;
  readonly kind: ColumnKind;
  /** Name of the type without length, precision or domain; empty when the column has none. */
  readonly baseType: string;
  /** Computed by the database, so it cannot be written. */
  readonly generated: boolean;
  readonly nullable: boolean;
  readonly keyFold: KeyFold;
  /** Text: the most characters. */
  readonly maxChars?: number;
  /** Integers: bits of the type. 64 when absent. */
  readonly bits?: 16 | 32;
  /** How numbers are stored: as decimals when absent. */
  readonly numbers?: "float32" | "float64" | "int64-or-float64";
  /** Decimal numbers: digits kept after the point. Timestamps: digits of a second. */
  readonly decimals?: number;
  /** Timestamps: whether the column keeps instants, or times of a clock that the reader must know. */
  readonly zoned?: boolean;
  /**
   * The database may store another value than it was given, and `bindValue` cannot tell: the row is read again after
   * the write.
   */
  readonly inexact: boolean;
}

/** Columns that refer to another table's row. */
export interface Reference {
  /** Undefined where the database gives constraints no names (SQLite). */
  readonly constraint: string | undefined;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
}

/** Columns whose values no two rows may share. */
export interface UniqueKey {
  /** Name of the index or constraint; undefined for SQLite's row id. */
  readonly name: string | undefined;
  readonly columns: readonly string[];
}

export interface TableShape {
  /** For Kysely: `table` or `schema.table`. */
  readonly reference: string;
  /** Without the schema. */
  readonly name: string;
  /** Parts of the name for a statement that Kysely does not build: schema, where there is one, and table. */
  readonly path: readonly string[];
  /** The same for every spelling of the table's name, and for no other table. */
  readonly identity: string;
  readonly columns: readonly Column[];
  /** Undefined for a view: its tables decide. */
  readonly uniqueKeys: readonly UniqueKey[] | undefined;
  readonly references: readonly Reference[];
  /** Triggers or rules may keep a row from being written, or change it. */
  readonly hasTriggers: boolean;
  findColumn(name: string): Column | undefined;
}

/** Everything that differs between databases. The rest of the connector is common to them. */
export interface SqlEngine {
  /** Name of the product in spans: a value of OpenTelemetry's `db.system`. */
  readonly system: string;
  readonly database: Database;
  /** Maximum number of parameters of one statement. */
  readonly maxParameters: number;
  readonly maxConcurrentTransactions: number;
  /**
   * Reads committed data while a transaction is open. Only for a database in which a failed statement leaves its
   * transaction intact and transactions run one at a time: there, a transaction can continue after a failure, because
   * the state that it started from is known.
   */
  readonly readCommitted:
    (<Result>(read: (committed: Database) => Promise<Result>) => Promise<Result>) | undefined;
  /** Looks up a table or view in the catalogue; undefined when there is none. */
  describe(object: string): Promise<TableShape | undefined>;
  /** Names of the tables, to suggest one for a misspelt name. */
  tableNames(): Promise<readonly string[]>;
  /** Product and version. Rejects with the database's own error. */
  identify(): Promise<{ readonly product: string; readonly readOnly: boolean }>;
  /**
   * Locks rows by their keys until the transaction ends, whether they exist or not, in the order given. Absent when
   * transactions run one at a time.
   */
  readonly lockKeys?: (transaction: Database, keys: readonly bigint[]) => Promise<void>;
  /** Locks the rows that a select has found. Absent when transactions run one at a time. */
  readonly rowLock?: RawBuilder<unknown>;
  /** A parameter in a list of values that stands alone, with the type that the column compares and stores. */
  given(column: Column, parameter: SqlParameter): RawBuilder<unknown>;
  /**
   * Whether a stored value is another one than the given: bytes and types decide, not the column's collation, affinity,
   * padding or number format.
   */
  differs(
    column: Column,
    stored: RawBuilder<unknown>,
    given: RawBuilder<unknown>,
  ): RawBuilder<boolean>;
  /** Converts a value to a parameter that this database accepts. */
  toParameter(value: string | number | boolean): SqlParameter;
  /** `(columns) in (rows)` for composite keys. The syntax differs between databases. */
  readonly rowsIn: (
    columns: readonly string[],
    rows: readonly (readonly SqlParameter[])[],
  ) => RawBuilder<boolean>;
  /** Column type for a table that Postern creates. */
  typeOf(type: ColumnType | "timestamp"): RawBuilder<unknown>;
  /** Whether the account lacks a right that the statement needs. */
  isNotPermitted(error: unknown): boolean;
  /** @param table for messages */
  classify(error: unknown, table: string): SqlFailure;
  close(): Promise<void>;
}
