/** The delete breaker in effect: what a page takes of the allowance, and what it has to hold for want of it. */
import {
  type CycleId,
  type Hold,
  holdId,
  invariant,
  type StreamName,
  type SyncDefinition,
  type WorkItem,
} from "@postern/contracts";
import { allot, type Allotment, expiredHours, hourOf } from "./breaker";
import type { Decision } from "./decide";
import type { SyncPorts } from "../../ports/cloud-ports";

const ATTEMPTS = 5;
/** Hours that are forgotten along with one reservation: a transaction takes ten operations of a patch. */
const FORGOTTEN_AT_ONCE = 8;

/**
 * Takes from the allowance before anything is released, under the counter's etag: two streams cannot both use the same
 * rest. A page that is then abandoned has taken too much, never too little.
 */
export async function reserveDeletes(
  { clock, progress }: Pick<SyncPorts, "clock" | "progress">,
  { id, deletes: breaker }: SyncDefinition,
  wanted: number,
): Promise<Allotment> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const counter = await progress.counter(id);
    invariant(counter, "a claimed definition has a counter");
    const now = clock.now();
    const allotment = allot(counter.value, breaker, now, wanted);
    if (allotment.released === 0) return allotment;
    const result = await progress.transact(id, [
      {
        kind: "patch",
        id: "counter",
        etag: counter.etag,
        increment: { [`/deletesByHour/${hourOf(now)}`]: allotment.released },
        remove: expiredHours(counter.value, breaker, now)
          .slice(0, FORGOTTEN_AT_ONCE)
          .map((hour) => `/deletesByHour/${hour}`),
      },
    ]);
    if (result.ok) return allotment;
  }
  // The other stream keeps changing the counter: holding is the safe side.
  return { released: 0, allowed: 0, before: 0 };
}

export interface HeldPlace {
  readonly definition: SyncDefinition;
  readonly stream: StreamName;
  readonly cycleId: CycleId;
  readonly nowMs: number;
}

/** What is put before a person instead of the target. */
export function holdOf(
  item: WorkItem,
  decision: Decision,
  { allowed, before }: Allotment,
  { definition, stream, cycleId, nowMs }: HeldPlace,
): Hold {
  const counted =
    decision.kind === "present" || decision.kind === "absent" ? decision.counted : undefined;
  const cause = counted ?? "delete";
  return {
    id: holdId(item),
    definition: definition.id,
    stream,
    cycleId,
    item,
    cause: cause === "delete" ? "delete" : `'${cause}' from true to false`,
    reason: `${before} deletes and disables were released in the last ${definition.deletes.windowHours} hours; ${allowed} are allowed`,
    heldAt: new Date(nowMs).toISOString(),
  };
}
