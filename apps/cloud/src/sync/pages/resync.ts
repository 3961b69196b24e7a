import { cycleDocumentId, newCycle } from "../../cycles/cycle-document";
import { cycleIdAt } from "../../cycles/cycle-id";
import { moveCheckpoint } from "./page-commit";
import type { CycleOfRun } from "./page-context";
import type { SyncPorts } from "../../ports/cloud-ports";
import { type Claim, leaseMs, type StreamClaims } from "../streams/stream-claims";

/**
 * The delta token has expired: a new generation, in a new cycle, compares everything. Undefined when another run has
 * the claim.
 */
export async function beginResync(
  ports: SyncPorts,
  claims: StreamClaims,
  claim: Claim,
  brokenOff: CycleOfRun,
): Promise<{ readonly claim: Claim; readonly cycle: CycleOfRun } | undefined> {
  const { checkpoint } = claim;
  const { definition, stream } = checkpoint;
  const nowMs = ports.clock.now();
  const cycleId = cycleIdAt(nowMs, `${stream}-resync`);
  const inCycle = checkpoint.phase === "enumerating" && !brokenOff.createCycle;
  const moved = await moveCheckpoint(
    ports,
    claims,
    claim,
    {
      link: null,
      phase: "enumerating",
      page: checkpoint.page + 1,
      generation: checkpoint.generation + 1,
      cycleId,
      owner: ports.stamp.owner,
      leaseUntil: new Date(nowMs + leaseMs).toISOString(),
    },
    [
      {
        kind: "create",
        document: newCycle({
          definition,
          cycleId,
          kind: "resync",
          startedAt: new Date(nowMs).toISOString(),
          streams: { [stream]: "running" },
        }),
      },
      // The resync also shows what the abandoned enumeration would still have shown.
      ...(inCycle
        ? [
            {
              kind: "patch",
              id: cycleDocumentId(brokenOff.cycleId),
              set: { [`/streams/${stream}`]: "done" },
            } as const,
          ]
        : []),
    ],
  );
  if (moved === undefined) return undefined;
  return { claim: moved, cycle: { cycleId, cycleKind: "resync", createCycle: false } };
}
