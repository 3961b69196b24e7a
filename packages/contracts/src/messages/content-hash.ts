import { createHash } from "node:crypto";
import type { WorkItem } from "./work-message";

type Hashed = Pick<WorkItem, "desired" | "object" | "key" | "values">;

function sorted(columns: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** SHA-256 (hex) of what an item wants, independent of the order of columns. Equal hash = nothing to write. */
export function contentHash(item: Hashed): string {
  const canonical = JSON.stringify([
    item.desired,
    item.object,
    sorted(item.key),
    sorted(item.values),
  ]);
  return createHash("sha256").update(canonical).digest("hex");
}
