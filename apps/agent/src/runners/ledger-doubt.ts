import type { Lane } from "@postern/contracts";
import { inDoubt } from "../domain/ledger-decision";
import type { Ledger, LedgerRecord, LedgerWrite } from "../domain/ports";
import type { UnitItem } from "../domain/unit-forming";
import { assertHeld, type Hold } from "./lane-hold";
import { conflictStorm, MOST_CONFLICTS } from "./ledger-conflict";

/**
 * Notes that the target may have taken a version that the ledger does not know. Such an item leaves its lane's order, to
 * wait or for good: without the note, a later item with the state of the version before would count as unchanged. What the
 * ledger does not know at all needs none: there is nothing to be taken for unchanged.
 */
export async function noteDoubt(
  items: readonly UnitItem[],
  records: ReadonlyMap<string, LedgerRecord>,
  { lane, hold, ledger }: { readonly lane: Lane; readonly hold: Hold; readonly ledger: Ledger },
): Promise<void> {
  let known = records;
  for (let conflicts = 0; conflicts <= MOST_CONFLICTS; conflicts += 1) {
    const writes = items.flatMap(({ key, item }): LedgerWrite[] => {
      const record = known.get(key);
      if (record === undefined || record.entry.version >= item.version) return [];
      return record.entry.doubt === true
        ? []
        : [{ entry: inDoubt(record.entry), etag: record.etag }];
    });
    if (writes.length === 0) return;
    assertHeld(hold);
    if ((await ledger.write(lane, writes, hold.signal)) === "written") return;
    const keys = items.map(({ key }) => key);
    known = new Map(await ledger.read(lane, keys, hold.signal));
  }
  throw conflictStorm();
}
