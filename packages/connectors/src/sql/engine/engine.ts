import type { ColumnType } from "@postern/contracts";
import type { Kysely, RawBuilder } from "kysely";
import type { SqlFailure } from "./sql-failure";

/** Tables are known at run time only: the target's own catalogue is the schema. */
export type Tables = Record<string, Record<string, unknown>>;
export type Database = Kysely<Tables>;

/** What may be bound to a statement. */
export type SqlParameter = string | number | bigint | boolean | null;

/** What a column takes: decides how a value is converted before it is bound. */
export type ColumnKind = "text" | "integer" | "number" | "boolean" | "json" | "other";

export interface Column {
  readonly name: string;
  /** As the database declares it, for messages. */
  readonly declaredType: string;
  readonly kind: ColumnKind;
  /** Computed by the database: cannot be written. */
  readonly generated: boolean;
  /** Has no equality operator (PostgreSQL json, xml): is compared as text. */
  readonly comparedAsText: boolean;
}

export interface TableShape {
  /** As Kysely takes it: `table` or `schema.table`. */
  readonly reference: string;
  /** Without the schema. */
  readonly name: string;
  readonly columns: readonly Column[];
  findColumn(name: string): Column | undefined;
}

/** What differs between databases. Everything else of the connector is common. */
export interface SqlEngine {
  /** Name of the product in spans, as OpenTelemetry has it for `db.system`. */
  readonly system: string;
  readonly database: Database;
  /** Most parameters that one statement takes. */
  readonly maxParameters: number;
  readonly maxConcurrentTransactions: number;
  /**
   * Shows what is committed, also while a transaction is under way. Only where a failed statement leaves its transaction as
   * it was and there is one transaction at a time: then the transaction can go on, knowing what it began with.
   */
  readonly readCommitted:
    (<Result>(read: (committed: Database) => Promise<Result>) => Promise<Result>) | undefined;
  /** Looks a table or view up in the catalogue; undefined when there is none. */
  describe(object: string): Promise<TableShape | undefined>;
  /** Names of the tables, to suggest one that was meant. */
  tableNames(): Promise<readonly string[]>;
  /** Product and version; throws what the database throws. */
  identify(): Promise<{ readonly product: string; readonly readOnly: boolean }>;
  /** `value` as this database stores it in a column of the kind. */
  toParameter(value: string | number | boolean): SqlParameter;
  /** `(columns) in (rows)` for composite keys, which databases spell differently. */
  readonly rowsIn: (
    columns: readonly string[],
    rows: readonly (readonly SqlParameter[])[],
  ) => RawBuilder<boolean>;
  /** Type of a column in a table that Postern creates. */
  typeOf(type: ColumnType | "timestamp"): RawBuilder<unknown>;
  /** @param table for messages */
  classify(error: unknown, table: string): SqlFailure;
  close(): Promise<void>;
}
