import type { CycleId, DefinitionId } from "@postern/contracts";
import { cycleDocumentId } from "./cycle-document";
import type { SyncPorts } from "../ports/cloud-ports";

/**
 * Items of these cycles are under way again: the cycle watch is to look at them. Cycles that are gone are passed over.
 */
export async function reopenCycles(
  { progress }: Pick<SyncPorts, "progress">,
  definition: DefinitionId,
  cycles: Iterable<CycleId>,
): Promise<void> {
  for (const cycleId of new Set(cycles)) {
    await progress.transact(definition, [
      { kind: "patch", id: cycleDocumentId(cycleId), set: { "/closedAt": null } },
    ]);
  }
}
