import type { ColumnType } from "@postern/contracts";
import type { Kysely, RawBuilder } from "kysely";
import type { SqlFailure } from "./sql-failure";

/** Tables are known only at run time: the target's own catalogue is the schema. */
export type Tables = Record<string, Record<string, unknown>>;
export type Database = Kysely<Tables>;

/** A value that can be bound to a statement. */
export type SqlParameter = string | number | bigint | boolean | null;

/** What a column stores. Decides how a value is converted before it is bound. */
export type ColumnKind = "text" | "integer" | "number" | "boolean" | "json" | "other";

export interface Column {
  readonly name: string;
  /** As the database declares it; for messages. */
  readonly declaredType: string;
  readonly kind: ColumnKind;
  /** Computed by the database, so it cannot be written. */
  readonly generated: boolean;
  /** Has no equality operator (PostgreSQL json, xml), so it is compared as text. */
  readonly comparedAsText: boolean;
}

export interface TableShape {
  /** For Kysely: `table` or `schema.table`. */
  readonly reference: string;
  /** Without the schema. */
  readonly name: string;
  readonly columns: readonly Column[];
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
  /** Converts a value to a parameter that this database accepts. */
  toParameter(value: string | number | boolean): SqlParameter;
  /** `(columns) in (rows)` for composite keys. The syntax differs between databases. */
  readonly rowsIn: (
    columns: readonly string[],
    rows: readonly (readonly SqlParameter[])[],
  ) => RawBuilder<boolean>;
  /** Column type for a table that Postern creates. */
  typeOf(type: ColumnType | "timestamp"): RawBuilder<unknown>;
  /** @param table for messages */
  classify(error: unknown, table: string): SqlFailure;
  close(): Promise<void>;
}
