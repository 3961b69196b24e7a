import {
  type Checkpoint,
  cloudPoint,
  historyTtlSeconds,
  type Marker,
  type MessageId,
  type Version,
} from "@postern/contracts";
import { cycleDocumentId, newCycle } from "../../cycles/cycle-document";
import type { ProgressOperation, Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import type { PageContext } from "./page-context";
import type { PageOutcome } from "./page-enqueue";
import { markerId, pageId } from "../../cycles/document-ids";
import { type Claim, type StreamClaims, versionOf } from "../streams/stream-claims";

/** Where a commit moves the checkpoint. */
export interface CheckpointMove {
  readonly next: Pick<
    Checkpoint,
    "link" | "phase" | "generation" | "cycleId" | "owner" | "leaseUntil" | "polledAt" | "page"
  >;
  /** The stream has reached its delta link: its part of the cycle is read. */
  readonly streamDone: boolean;
}

/**
 * Commits a page: checkpoint, page record, counter and cycle in one transaction. Undefined when the claim was lost: the
 * items, though sent, are stale by construction and are not counted.
 */
export async function commitPage(
  ports: Pick<SyncPorts, "progress" | "clock">,
  claims: StreamClaims,
  page: PageContext,
  { counts, failures }: PageOutcome,
  { next, streamDone }: CheckpointMove,
): Promise<Claim | undefined> {
  const { claim, version, stream, cycleId } = page;
  const definition = claim.checkpoint.definition;
  const checkpoint: Checkpoint = { ...claim.checkpoint, ...next, version };
  delete checkpoint.refusal;
  // A commit that leaves the page where it is (an on-demand read) does not complete what earlier pages left undone.
  if (checkpoint.phase === "settled" && checkpoint.page !== claim.checkpoint.page)
    checkpoint.comparedFrom = version;
  const operations = (create: boolean): ProgressOperation[] => [
    { kind: "replace", document: checkpoint, etag: claim.etag },
    {
      kind: "patch",
      id: "counter",
      increment: {
        // For a later page: the version must exist before the read whose items carry it.
        "/version": 1,
        ...(counts.newlySent === 0 ? {} : { "/sent": counts.newlySent }),
      },
    },
    ...cycleOperations(ports, page, streamDone, create),
    {
      kind: "create",
      document: {
        id: pageId(version),
        type: "page",
        definition,
        stream: stream,
        cycleId,
        version,
        read: counts.read,
        count: counts.enqueued + failures.length,
        held: counts.held,
        committedAt: new Date(ports.clock.now()).toISOString(),
        ttl: historyTtlSeconds,
      },
    },
    ...(failures.length === 0
      ? []
      : [{ kind: "create", document: failureMarker(ports, page, failures) } as const]),
  ];
  let create = page.createCycle;
  // The first of a cycle's streams with changes creates it; the other may find that it exists, once.
  for (let attempt = 0; attempt < 2; attempt += 1) {
    cloudPoint("before-commit");
    const result = await ports.progress.transact(definition, operations(create));
    if (result.ok) {
      cloudPoint("after-commit");
      const [written, counter] = result.results;
      return claims.remember({ value: checkpoint, etag: written?.etag ?? "" }, [
        ...claim.versions.filter((spare) => spare !== version),
        versionOf(counter?.value) as Version,
      ]);
    }
    if (result.failedAt !== 2 || !(result.reason === "exists" || result.reason === "missing"))
      break;
    create = result.reason === "missing";
  }
  claims.forget(definition, stream);
  return undefined;
}

function cycleOperations(
  ports: Pick<SyncPorts, "clock">,
  { claim, cycleId, cycleKind, stream, jobId }: PageContext,
  streamDone: boolean,
  create: boolean,
): ProgressOperation[] {
  const state = streamDone ? "done" : "running";
  if (!create) {
    return [
      {
        kind: "patch",
        id: cycleDocumentId(cycleId),
        set: { [`/streams/${stream}`]: state, "/closedAt": null },
      },
    ];
  }
  return [
    {
      kind: "create",
      document: newCycle({
        definition: claim.checkpoint.definition,
        cycleId,
        kind: cycleKind,
        startedAt: new Date(ports.clock.now()).toISOString(),
        streams: { [stream]: state },
        ...(jobId === undefined ? {} : { jobId }),
      }),
    },
  ];
}

const MAX_EXCEPTIONS = 100;

/** Items that were never sent count as dead-lettered in the same transaction. */
function failureMarker(
  ports: Pick<SyncPorts, "clock">,
  { version, cycleId, jobId, claim }: PageContext,
  failures: PageOutcome["failures"],
): Marker {
  const definition = claim.checkpoint.definition;
  const workMessageId = `${definition}:${version}.not-sent` as MessageId;
  return {
    id: markerId(workMessageId),
    type: "marker",
    definition,
    cycleId,
    ...(jobId === undefined ? {} : { jobId }),
    workMessageId,
    version,
    counts: { "dead-lettered": failures.length },
    at: new Date(ports.clock.now()).toISOString(),
    exceptions: failures.slice(0, MAX_EXCEPTIONS).map(({ entity, code, reason }) => ({
      entity,
      version,
      outcome: "dead-lettered",
      code,
      reason,
    })),
    ttl: historyTtlSeconds,
  };
}

/** Moves a checkpoint without a page: rests, refreshed links, a resync. Undefined when the claim was lost. */
export async function moveCheckpoint(
  ports: Pick<SyncPorts, "progress">,
  claims: StreamClaims,
  claim: Claim,
  change: Partial<Checkpoint>,
  more: readonly ProgressOperation[] = [],
): Promise<Claim | undefined> {
  const { definition, stream } = claim.checkpoint;
  const checkpoint: Checkpoint = { ...claim.checkpoint, ...change };
  const result = await ports.progress.transact(definition, [
    { kind: "replace", document: checkpoint, etag: claim.etag },
    ...more,
  ]);
  if (!result.ok) {
    claims.forget(definition, stream);
    return undefined;
  }
  const stored: Stored<Checkpoint> = { value: checkpoint, etag: result.results[0]?.etag ?? "" };
  return claims.remember(stored, claim.versions, claim.takenAtMs);
}
