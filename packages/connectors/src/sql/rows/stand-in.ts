/** Items that write a row's first step: values that stand in until the real ones can be written. */
import { randomBytes } from "node:crypto";
import type { Column, SqlParameter, TableShape } from "../engine/engine";
import type { PlannedItem } from "./planned-item";

const RANDOM_BYTES = 12;

/** Without references to other rows, where the columns may be null; undefined when there are none to leave out. */
export function withoutReferences(item: PlannedItem): PlannedItem | undefined {
  const referring = new Set(item.table.references.flatMap(({ columns }) => columns));
  return withStandIns(
    item,
    ({ name, nullable }) => nullable && referring.has(name),
    () => null,
  );
}

/** With values of its own where they must be unique; undefined when a column takes none. */
export function withoutUniqueValues(item: PlannedItem): PlannedItem | undefined {
  const unique = uniqueColumnsOf(item.table);
  return withStandIns(item, (column) => unique.has(column.name), ownValue);
}

function uniqueColumnsOf({ uniqueKeys = [] }: TableShape): ReadonlySet<string> {
  return new Set(uniqueKeys.flatMap(({ columns }) => columns));
}

function withStandIns(
  item: PlannedItem,
  isMeant: (column: Column) => boolean,
  standIn: (column: Column) => SqlParameter | undefined,
): PlannedItem | undefined {
  const parameters = [...item.parameters];
  let changed = false;
  for (const [index, column] of item.valueColumns.entries()) {
    const place = item.keyColumns.length + index;
    if (!isMeant(column) || parameters[place] === null) continue;
    const value = standIn(column);
    if (value === undefined) return undefined;
    parameters[place] = value;
    changed = true;
  }
  return changed ? { ...item, parameters } : undefined;
}

/** Null, or a random value that no source has. */
function ownValue(column: Column): SqlParameter | undefined {
  if (column.nullable) return null;
  const random = randomBytes(RANDOM_BYTES);
  switch (column.kind) {
    case "text":
      return random.toString("base64url").slice(0, column.maxChars);
    case "integer":
      return BigInt.asIntN(column.bits ?? 64, random.readBigUInt64BE());
    case "number":
    case "boolean":
    case "json":
    case "date":
    case "timestamp":
    case "other":
      return undefined;
  }
}
