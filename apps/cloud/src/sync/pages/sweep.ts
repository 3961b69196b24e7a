/**
 * Runs after a complete enumeration, never after a partial one: entities that it has not shown are gone. Works in pages
 * until the index has nothing left behind; then the stream takes the delta link.
 */
import type { Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import type { IndexEntry } from "@postern/contracts";
import type { CycleOfRun, RunContext } from "./page-context";
import type { PageWork } from "./page-work";
import type { Claim, StreamClaims } from "../streams/stream-claims";

const SWEEP_ENTRIES = 800;

export interface SweepOptions {
  readonly ports: SyncPorts;
  readonly claims: StreamClaims;
  readonly pages: PageWork;
  readonly run: RunContext;
  readonly cycle: CycleOfRun;
  readonly deltaLink: string;
  readonly polledAtMs: number;
  /** False: the rest is left to a continuation. */
  readonly timeLeft: () => boolean;
}

/** `settled`: done. `lost`: another run has the claim. A claim: time is up, continue from there. */
export async function sweep(
  swept: Claim,
  { ports, claims, pages, run, cycle, deltaLink, polledAtMs, timeLeft }: SweepOptions,
): Promise<"settled" | "lost" | Claim> {
  let claim = swept;
  const committed = new Set<number>();
  for (;;) {
    const held = await claims.acquire(claim);
    const version = held?.versions[0];
    if (held === undefined || version === undefined) return "lost";
    claim = held;
    const { generation, link } = claim.checkpoint;
    const entries = await leftBehind(ports, run, claim);
    const isDone = ({ value }: Stored<IndexEntry>): boolean =>
      value.swept !== undefined && committed.has(value.swept);
    const done = entries.filter(isDone);
    if (done.length > 0) {
      // An entry that changes in this moment no longer belongs to this sweep.
      await ports.index.write(done.map(({ value, etag }) => ({ entry: unswept(value), etag })));
      if (done.length === entries.length) continue;
    }
    const found = entries.filter((entry) => !isDone(entry)).map(({ value }) => value);
    const page = { ...run, ...cycle, claim, version, generation };
    const result = await pages.send(page, {
      changes: [],
      leftBehind: {
        gone: found.filter((entry) => entry.generation < generation || !entry.exists),
        partial: found.filter((entry) => entry.generation >= generation && entry.exists),
      },
    });
    if (result === undefined) return "lost";
    const settled = found.length === 0;
    const next = await pages.commit(page, result, {
      link: settled ? deltaLink : link,
      settled,
      polledAtMs,
    });
    if (next === undefined) return "lost";
    if (settled) return "settled";
    claim = next;
    committed.add(version);
    if (!timeLeft()) return claim;
  }
}

/** Users or groups first; memberships once no group is left. */
async function leftBehind(
  { index }: SyncPorts,
  { stream, compiled: { mappings } }: RunContext,
  { checkpoint: { definition, generation, comparedFrom = 0 } }: Claim,
): Promise<readonly Stored<IndexEntry>[]> {
  const enumeration = { generation, comparedFrom };
  const type = stream === "users" ? "user" : "group";
  const objects = await index.leftBehind(definition, [type], enumeration, SWEEP_ENTRIES);
  // Memberships that are no longer mapped stay as they are: no page would touch them.
  if (objects.length > 0 || stream === "users" || mappings.membership === undefined) return objects;
  return index.leftBehind(definition, ["membership"], enumeration, SWEEP_ENTRIES);
}

function unswept({ swept: _swept, ...entry }: IndexEntry): IndexEntry {
  return entry;
}
