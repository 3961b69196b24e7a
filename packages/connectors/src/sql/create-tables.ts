import type { ColumnMapping, ColumnType, EntityMapping, SyncDefinition } from "@postern/contracts";
import type { CreateTableBuilder } from "kysely";
import { driverOf } from "./drivers";
import type { SqlEngine } from "./engine/engine";
import { StatementCache } from "./engine/statement-cache";
import { openInbox } from "./inbox/inbox";
import { readUrl } from "./location";
import type { SqlSettings } from "./settings";

interface TablePlan {
  readonly key: ReadonlySet<string>;
  readonly columns: ReadonlyMap<string, ColumnType>;
}

const typeOf = (mapping: ColumnMapping): ColumnType =>
  typeof mapping === "string" ? "text" : (mapping.type ?? "text");

/** The tables that a definition names. Two mappings of the same table share it. */
function tablesOf(definition: SyncDefinition): Map<string, TablePlan> {
  const tables = new Map<string, TablePlan>();
  const mappings = [definition.users, definition.groups, definition.memberships];
  for (const mapping of mappings.filter((each): each is EntityMapping => each !== undefined)) {
    const known = tables.get(mapping.object);
    const columns = [...Object.entries(mapping.key), ...Object.entries(mapping.columns)];
    tables.set(mapping.object, {
      key: known?.key ?? new Set(Object.keys(mapping.key)),
      columns: new Map([
        ...columns.map(([name, column]): [string, ColumnType] => [name, typeOf(column)]),
        ...(known?.columns ?? []),
      ]),
    });
  }
  return tables;
}

async function createTable(engine: SqlEngine, name: string, plan: TablePlan): Promise<boolean> {
  if (await engine.describe(name)) return false;
  let table: CreateTableBuilder<string, string> = engine.database.schema
    .createTable(name)
    .ifNotExists();
  for (const [column, type] of plan.columns) {
    table = table.addColumn(column, engine.typeOf(type), (definition) =>
      plan.key.has(column) ? definition.notNull() : definition,
    );
  }
  await table.addPrimaryKeyConstraint(`${name.split(".").at(-1)}_pkey`, [...plan.key]).execute();
  return true;
}

/**
 * Creates the tables of a definition, and the inbox, if they do not exist. For the local platform: in production the
 * tables belong to the target's owner.
 *
 * @returns names of the tables that it created
 * @throws PosternError `settings-invalid` when no driver opens the url
 */
export async function createTables(
  settings: SqlSettings,
  definition: SyncDefinition,
): Promise<string[]> {
  const driver = driverOf(readUrl(settings).reveal());
  await driver.createDatabase?.(settings);
  const openEngine = await driver.loadEngine();
  const engine = openEngine(settings, "set-up");
  try {
    await openInbox({
      engine,
      table: settings.inboxTable,
      statements: new StatementCache(),
    }).ensure();
    const created: string[] = [];
    for (const [name, plan] of tablesOf(definition)) {
      if (await createTable(engine, name, plan)) created.push(name);
    }
    return created;
  } finally {
    await engine.close();
  }
}
