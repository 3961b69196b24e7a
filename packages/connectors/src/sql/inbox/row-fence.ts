/**
 * Keeps an entity from a row whose key has passed to another entity of the same definition: an employee number that is
 * given again, a mail address that a successor takes over. The removal of the former holder and the arrival of the new
 * one are in different messages, which may arrive in either order.
 */
import { entityKey } from "@postern/contracts";
import type { PlannedItem } from "../rows/planned-item";
import type { RowHolder } from "./inbox";

/** `free` = the row may be written; `passed-on` = only the inbox advances; `held` = the item has to wait. */
export type Fence =
  { readonly kind: "free" | "passed-on" } | { readonly kind: "held"; readonly by: RowHolder };

/**
 * Decides for each item of a batch. The holders are the inbox rows that name the items' rows, before the batch.
 *
 * A removal takes the row away only if no entity has taken it over since: the version of the removal itself says
 * nothing about that, because the same change at the source gives both versions, in no certain order.
 */
export function fencesOf(
  items: readonly PlannedItem[],
  holders: readonly RowHolder[],
): ReadonlyMap<PlannedItem, Fence> {
  const byRow = Map.groupBy(holders, ({ rowKey }) => rowKey);
  return new Map(items.map((item) => [item, fenceOf(item, byRow.get(item.rowKey) ?? [])]));
}

const FREE: Fence = { kind: "free" };

function fenceOf({ entry: { definition, item } }: PlannedItem, ofRow: readonly RowHolder[]): Fence {
  const own = entityKey(item.entity);
  const ofDefinition = ofRow.filter((holder) => holder.definition === definition);
  const others = ofDefinition.filter(({ entity, removed }) => entity !== own && !removed);
  if (others.length === 0) return FREE;
  const newest = others.reduce((a, b) => (isNewer(b, a) ? b : a));
  if (item.desired === "present") {
    const claim = { version: item.version, entity: own };
    return isNewer(newest, claim) ? { kind: "held", by: newest } : FREE;
  }
  const heldAt = ofDefinition.find(({ entity, removed }) => entity === own && !removed)?.version;
  return newest.version > (heldAt ?? 0) ? { kind: "passed-on" } : FREE;
}

type Claim = Pick<RowHolder, "version" | "entity">;

/** Of two claims in one page, the same one wins whatever their order. */
function isNewer(a: Claim, b: Claim): boolean {
  return a.version > b.version || (a.version === b.version && a.entity > b.entity);
}
