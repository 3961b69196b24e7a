/**
 * What a payload shows to callers who may not see people's data: which columns and properties there are, and the type
 * and length of each value. Never a value, and never a part of one.
 */
import { clip, limits, WorkItem } from "@postern/contracts";
import { readJson } from "@postern/input";

const MAX_DEPTH = 6;
const MAX_ENTRIES = 200;
const WORK_ITEM_OPEN = ["itemId", "entity", "version", "desired", "object", "hash"] as const;

export function redactPayload(payload: string): string {
  if (payload === "") return "";
  const reading = readJson(payload);
  if (!reading.ok) return `text(${payload.length})`;
  const { value } = reading;
  const item = WorkItem.safeParse(value);
  if (!item.success) return JSON.stringify(shapeOf(value, 0));
  // Ids, version and names are in the dead letter itself; only columns hold data.
  const open = WORK_ITEM_OPEN.map((name) => [name, item.data[name]]);
  return JSON.stringify({
    ...Object.fromEntries(open),
    key: shapeOf(item.data.key, 0),
    values: shapeOf(item.data.values, 0),
  });
}

function shapeOf(value: unknown, depth: number): unknown {
  if (value === null) return "null";
  if (typeof value === "string") return `text(${value.length})`;
  if (typeof value !== "object") return typeof value;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (depth >= MAX_DEPTH || items.length === 0) return `list(${items.length})`;
    const shown = items.slice(0, 3).map((item) => shapeOf(item, depth + 1));
    return items.length > shown.length
      ? [...shown, `… ${items.length - shown.length} more`]
      : shown;
  }
  const entries: [string, unknown][] = Object.entries(value);
  if (depth >= MAX_DEPTH) return `object(${entries.length})`;
  return Object.fromEntries(
    entries
      .slice(0, MAX_ENTRIES)
      .map(([name, inner]) => [clip(name, limits.columnNameChars), shapeOf(inner, depth + 1)]),
  );
}
