/**
 * The inbox: one row per entity and definition, with the version that the target holds. It is written before the
 * target's row and in the same transaction, `where version < new`. If the inbox row does not advance, the item is a
 * duplicate or arrived late, and must not be applied. Audit triggers may read the version from the inbox.
 *
 * It also says which row each entity has, because a key may pass from one entity to another (`row-fence.ts`).
 */
import { entityKey, invariant } from "@postern/contracts";
import type { ApplyItem } from "../../connector";
import type { PlannedItem } from "../rows/planned-item";
import { chunks } from "../engine/chunks";
import type { Database, SqlEngine, SqlParameter } from "../engine/engine";
import type { StatementCache } from "../engine/statement-cache";
import { COLUMNS, compileAdvance, createInboxTable, KEY, VALUES } from "./inbox-table";

/** Rows restored by one statement. */
const RESTORED_ROWS = 200;

export interface Inbox {
  /** Creates the table if it does not exist. Rejects with the database's own error. */
  ensure(): Promise<void>;
  /** Makes the next `ensure` look for the table again. */
  forget(): void;
  /** Advances the rows of the items' entities; returns the items whose rows advanced. */
  advance(
    transaction: Database,
    items: readonly PlannedItem[],
    noteStatement: (text: string) => void,
  ): Promise<Set<PlannedItem>>;
  /** The inbox rows of every entity that name one of the rows. */
  holders(transaction: Database, rowKeys: readonly string[]): Promise<readonly RowHolder[]>;
  /** Resets rows that a transaction has advanced to their committed state. Only for engines with `readCommitted`. */
  restore(transaction: Database, entries: readonly ApplyItem[]): Promise<void>;
  /** The versions in the inbox, by entry. */
  versions(transaction: Database, entries: readonly ApplyItem[]): Promise<Map<ApplyItem, number>>;
}

/** An entity and the row that it has, or had before it was removed. */
export interface RowHolder {
  readonly definition: string;
  readonly entity: string;
  readonly version: number;
  readonly removed: boolean;
  readonly rowKey: string;
}

export interface InboxOptions {
  readonly engine: SqlEngine;
  readonly table: string;
  readonly statements: StatementCache;
}

const keyOf = (definition: unknown, entity: unknown): string =>
  JSON.stringify([definition, entity]);
const entryKey = ({ definition, item }: ApplyItem): string =>
  keyOf(definition, entityKey(item.entity));

export function openInbox({ engine, table, statements }: InboxOptions): Inbox {
  let ensured: Promise<void> | undefined;

  const isAmong = (entries: readonly ApplyItem[]) =>
    engine.rowsIn(
      KEY,
      entries.map(({ definition, item }) => [definition, entityKey(item.entity)]),
    );

  /** The columns that an advance writes, with their stored values. */
  const asStored = (row: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      VALUES.map((column) => {
        const value = row[column];
        return [column, typeof value === "number" ? engine.toParameter(value) : value];
      }),
    );

  const parametersOf = (items: readonly PlannedItem[], appliedAt: string): SqlParameter[] =>
    items.flatMap(({ entry: { definition, item }, rowKey }) => [
      definition,
      entityKey(item.entity),
      engine.toParameter(item.version),
      item.itemId,
      engine.toParameter(item.desired === "absent"),
      appliedAt,
      rowKey,
    ]);

  const compileHolders = (count: number) =>
    engine.database
      .selectFrom(table)
      .select([...KEY, "version", "tombstone", "row_key"])
      .where(
        "row_key",
        "in",
        Array.from({ length: count }, () => ""),
      )
      .compile();

  return {
    ensure() {
      ensured ??= createInboxTable(engine, table).catch((error: unknown) => {
        ensured = undefined;
        throw error;
      });
      return ensured;
    },
    forget() {
      ensured = undefined;
    },
    async advance(transaction, items, noteStatement) {
      const byKey = new Map(items.map((item) => [entryKey(item.entry), item]));
      const advanced = new Set<PlannedItem>();
      const appliedAt = new Date().toISOString();
      for (const part of chunks(items, Math.floor(engine.maxParameters / COLUMNS.length))) {
        const compiled = statements.get(`inbox ${part.length}`, () =>
          compileAdvance(engine, table, part.length),
        );
        noteStatement(compiled.sql);
        const { rows } = await transaction.executeQuery<Record<string, unknown>>({
          ...compiled,
          parameters: parametersOf(part, appliedAt),
        });
        for (const row of rows) {
          const item = byKey.get(keyOf(row["definition"], row["entity"]));
          if (item) advanced.add(item);
        }
      }
      return advanced;
    },
    async holders(transaction, rowKeys) {
      const holders: RowHolder[] = [];
      for (const part of chunks(rowKeys, engine.maxParameters)) {
        const compiled = statements.get(`holders ${part.length}`, () =>
          compileHolders(part.length),
        );
        const { rows } = await transaction.executeQuery<Record<string, unknown>>({
          ...compiled,
          parameters: part,
        });
        for (const row of rows) holders.push(holderOf(row));
      }
      return holders;
    },
    async restore(transaction, entries) {
      const { readCommitted } = engine;
      invariant(readCommitted, "the engine shows what is committed");
      for (const part of chunks(entries, RESTORED_ROWS)) {
        const rows = await readCommitted((committed) =>
          committed.selectFrom(table).select(COLUMNS).where(isAmong(part)).execute(),
        );
        const known = new Map(rows.map((row) => [keyOf(row["definition"], row["entity"]), row]));
        const fresh = part.filter((entry) => !known.has(entryKey(entry)));
        if (fresh.length > 0) {
          const gone = await transaction.deleteFrom(table).where(isAmong(fresh)).executeTakeFirst();
          expectRows(gone.numDeletedRows, fresh.length);
        }
        for (const entry of part) {
          const row = known.get(entryKey(entry));
          if (row === undefined) continue;
          const put = await transaction
            .updateTable(table)
            .set(asStored(row))
            .where(isAmong([entry]))
            .executeTakeFirst();
          expectRows(put.numUpdatedRows, 1);
        }
      }
    },
    async versions(transaction, entries) {
      const byKey = new Map(entries.map((entry) => [entryKey(entry), entry]));
      const versions = new Map<ApplyItem, number>();
      for (const part of chunks(entries, Math.floor(engine.maxParameters / KEY.length))) {
        const rows = await transaction
          .selectFrom(table)
          .select([...KEY, "version"])
          .where(isAmong(part))
          .execute();
        for (const row of rows) {
          const entry = byKey.get(keyOf(row["definition"], row["entity"]));
          if (entry) versions.set(entry, Number(row["version"]));
        }
      }
      return versions;
    },
  };
}

function holderOf(row: Record<string, unknown>): RowHolder {
  return {
    definition: String(row["definition"]),
    entity: String(row["entity"]),
    version: Number(row["version"]),
    // SQLite has no booleans.
    removed: row["tombstone"] === true || row["tombstone"] === 1,
    rowKey: String(row["row_key"]),
  };
}

/** A trigger on the inbox may have prevented the restore. Nothing of the transaction may remain then. */
function expectRows(found: bigint, expected: number): void {
  if (Number(found) !== expected) throw new Error("the inbox was not restored");
}
