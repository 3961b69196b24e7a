import type { SyncView } from "@postern/contracts";
import { listCycles } from "../../cycles/cycle-views";
import { compileDefinition } from "../mapping/compiled-definition";
import type { DefinitionRecord, Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";

/** Cycles that a definition must have completed to be in step. */
const RECENT_CYCLES = 20;

/** Where a definition stands: in step when every stream is at a delta link and no recent cycle waits for an outcome. */
export async function viewSync(
  ports: Pick<SyncPorts, "progress" | "clock" | "index">,
  record: Stored<DefinitionRecord>,
): Promise<SyncView> {
  const { definition } = record.value;
  const { streams } = compileDefinition(definition);
  const [checkpoints, cycles, heldItems] = await Promise.all([
    Promise.all(streams.map((stream) => ports.progress.checkpoint(definition.id, stream))),
    listCycles(ports, definition.id, { limit: RECENT_CYCLES }),
    // A hold of an abandoned page may still lie about: what is held, the index says.
    ports.index.countHeld(definition.id),
  ]);
  return {
    definition,
    etag: record.etag,
    lastCycle: cycles.items[0] ?? null,
    inStep:
      !record.value.resyncDue &&
      checkpoints.every((checkpoint) => checkpoint?.value.phase === "settled") &&
      cycles.items.every(({ state }) => state === "completed"),
    heldItems,
  };
}
