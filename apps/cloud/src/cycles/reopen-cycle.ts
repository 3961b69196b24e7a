import type { CycleId, DefinitionId } from "@postern/contracts";
import { cycleDocumentId } from "./cycle-document";
import type { SyncPorts } from "../ports/cloud-ports";

/**
 * Reopens cycles whose items are pending again, so that the cycle watch looks at them. Skips cycles that no longer
 * exist.
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
