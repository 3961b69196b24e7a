import { type ErrorCode, nearest, type TargetValue, type WorkItem } from "@postern/contracts";
import type { ApplyItem, TargetFailure } from "../../connector";
import type { Catalogue } from "../engine/catalogue";
import type { Column, SqlEngine, SqlParameter, TableShape } from "../engine/engine";
import { itemFailure } from "../engine/sql-failure";
import { bindValue } from "./bind-value";
import { rowKeyOf } from "./row-key";

/** An item whose table, columns and values have been checked against the target's catalogue, ready to be bound. */
export interface PlannedItem {
  /** Position in the batch. */
  readonly index: number;
  readonly entry: ApplyItem;
  readonly table: TableShape;
  readonly keyColumns: readonly Column[];
  readonly valueColumns: readonly Column[];
  /** Values of `keyColumns`, then of `valueColumns`. */
  readonly parameters: readonly SqlParameter[];
  /** Hash that identifies the row within its target. */
  readonly rowKey: string;
  /** Items with the same shape share a statement. */
  readonly shape: string;
}

/** In the order of its parameters. */
export function columnsOf(item: PlannedItem): readonly Column[] {
  return [...item.keyColumns, ...item.valueColumns];
}

export interface PlanningContext {
  readonly engine: SqlEngine;
  readonly catalogue: Catalogue;
  readonly allowedObjects: ReadonlySet<string> | undefined;
  readonly inboxTable: string;
}

export type Plan =
  | { readonly ok: true; readonly planned: PlannedItem }
  | { readonly ok: false; readonly failure: TargetFailure };

const correctValue = "correct the value at its source or the mapping";

export async function planItem(
  context: PlanningContext,
  index: number,
  entry: ApplyItem,
): Promise<Plan> {
  const { item } = entry;
  const refused = refusedObject(context, item);
  if (refused) return { ok: false, failure: refused };
  const cells = cellsOf(item);
  const table = await context.catalogue.table(
    item.object,
    cells.map(([name]) => name),
  );
  if (!table) return { ok: false, failure: await objectMissing(context, item.object) };
  const parameters: SqlParameter[] = [];
  const columns: Column[] = [];
  for (const [name, value, isKey] of cells) {
    const column = table.findColumn(name);
    if (!column) return { ok: false, failure: columnMissing(table, item.object, name) };
    const problem = (code: ErrorCode, text: string): Plan => ({
      ok: false,
      failure: itemFailure(
        code,
        `column '${item.object}.${name}' (${column.declaredType}): ${text}`,
      ),
    });
    if (column.generated)
      return problem("target-rejected", "is computed by the database: leave it out of the mapping");
    if (isKey && value === null) {
      return problem(
        "target-rejected",
        "is a key column, and the item has no value for it: correct the mapping",
      );
    }
    const bound = bindValue(context.engine, column, value);
    if (!bound.ok) return problem("target-rejected", `${bound.problem}: ${correctValue}`);
    columns.push(column);
    parameters.push(bound.parameter);
  }
  const keyCount = Object.keys(item.key).length;
  const keyColumns = columns.slice(0, keyCount);
  if (!isUnique(table, keyColumns)) {
    return { ok: false, failure: keyNotUnique(item.object, keyColumns) };
  }
  return {
    ok: true,
    planned: {
      index,
      entry,
      table,
      keyColumns,
      valueColumns: columns.slice(keyCount),
      parameters,
      rowKey: rowKeyOf(table, keyColumns, parameters),
      shape: JSON.stringify([
        item.desired,
        table.reference,
        keyCount,
        columns.map(({ name }) => name),
      ]),
    },
  };
}

/** Key columns first. Keys and values are sorted, so that items with the same columns have the same shape. */
function cellsOf(item: WorkItem): [name: string, value: TargetValue, isKey: boolean][] {
  const inOrder = (columns: Readonly<Record<string, TargetValue>>): [string, TargetValue][] =>
    Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1));
  const keys = inOrder(item.key);
  const values =
    item.desired === "absent"
      ? []
      : inOrder(item.values).filter(([name]) => !Object.hasOwn(item.key, name));
  return [
    ...keys.map(([name, value]): [string, TargetValue, boolean] => [name, value, true]),
    ...values.map(([name, value]): [string, TargetValue, boolean] => [name, value, false]),
  ];
}

function isUnique({ uniqueKeys }: TableShape, keyColumns: readonly Column[]): boolean {
  return (
    uniqueKeys === undefined ||
    uniqueKeys.some(
      ({ columns }) =>
        columns.length === keyColumns.length &&
        keyColumns.every(({ name }) => columns.includes(name)),
    )
  );
}

function keyNotUnique(object: string, keyColumns: readonly Column[]): TargetFailure {
  const names = keyColumns.map(({ name }) => `'${name}'`).join(", ");
  return itemFailure(
    "target-rejected",
    `table '${object}' has no primary key or unique index on the mapped key (${names}): create one or correct the mapping`,
  );
}

function refusedObject(context: PlanningContext, item: WorkItem): TargetFailure | undefined {
  const name = item.object.split(".").at(-1) ?? item.object;
  if (name.toLowerCase() === context.inboxTable.toLowerCase()) {
    return itemFailure(
      "target-not-permitted",
      `'${item.object}' is Postern's own inbox: correct the mapping`,
    );
  }
  if (context.allowedObjects && !context.allowedObjects.has(item.object)) {
    return itemFailure(
      "target-not-permitted",
      `'${item.object}' is not in allowedObjects of the target's settings: add it on the agent or correct the mapping`,
    );
  }
  return undefined;
}

async function objectMissing(context: PlanningContext, object: string): Promise<TargetFailure> {
  const hint = suggestion(object, await context.engine.tableNames());
  return itemFailure(
    "target-object-missing",
    `the target has no table '${object}'${hint}: create it or correct the mapping`,
  );
}

function columnMissing(table: TableShape, object: string, name: string): TargetFailure {
  const hint = suggestion(
    name,
    table.columns.map((column) => column.name),
  );
  return itemFailure(
    "target-column-missing",
    `table '${object}' has no column '${name}'${hint}: add it or correct the mapping`,
  );
}

function suggestion(name: string, known: readonly string[]): string {
  const found = nearest(name, known);
  return found === undefined ? "" : ` (did you mean '${found}'?)`;
}
