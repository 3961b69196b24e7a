import { type Cycle, type CycleId, historyTtlSeconds } from "@postern/contracts";

/** Document id of a cycle. */
export function cycleDocumentId(cycleId: CycleId): string {
  return `cycle:${cycleId}`;
}

/** A cycle as it begins: kept as long as history is. */
export function newCycle(cycle: Omit<Cycle, "id" | "type" | "ttl">): Cycle {
  return { id: cycleDocumentId(cycle.cycleId), type: "cycle", ...cycle, ttl: historyTtlSeconds };
}
