/**
 * The claims on streams that this process has.
 *
 * A claim is one transaction: the checkpoint is written under its etag (so that it invalidates any other claim) and the
 * definition's counter gives out versions. The next write of the checkpoint invalidates it; the commit of a page
 * detects that by the etag. Each commit also takes the version for a later page, so that a run of pages needs no claim
 * after the first. While an enumeration runs, the claim also says who holds it until when (the lease), which
 * others respect; between polls it does not: the etag alone keeps it safe, and no run has to wait for an idle process.
 *
 * Called by the page run and by on-demand reads. Never talks to the source.
 */
import {
  type Checkpoint,
  checkpointId,
  cloudPoint,
  type DefinitionId,
  invariant,
  startSession,
  type StreamName,
  type Version,
} from "@postern/contracts";
import type { Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";

export interface Claim {
  readonly checkpoint: Checkpoint;
  readonly etag: string;
  /** Versions given out and not used yet, rising. Each was given out before the read whose items carry it. */
  readonly versions: readonly Version[];
  readonly takenAtMs: number;
  readonly polledAtMs: number;
}

export const leaseMs = 60_000;
/** After this what is remembered is read again: another instance may have moved on, and versions have aged. */
const FRESH_MS = 60_000;
/** One for the page at hand, one for the page read ahead. */
const VERSIONS_PER_CLAIM = 2;

export class StreamClaims {
  readonly #ports: Pick<SyncPorts, "progress" | "clock" | "stamp">;
  /** Claims that no run of this process is using: the next run may. */
  readonly #free = new Map<string, Claim>();
  readonly #inUse = new WeakSet<Claim>();
  readonly #polledAtMs = new Map<string, number>();

  constructor(ports: Pick<SyncPorts, "progress" | "clock" | "stamp">) {
    this.#ports = ports;
  }

  /** What is known of the stream, from this process or from the store. */
  async look(definition: DefinitionId, stream: StreamName): Promise<Claim | undefined> {
    const key = startSession(definition, stream);
    const known = this.#free.get(key);
    // A copy: two runs that look at the same time must not share one claim.
    if (known !== undefined && this.#isFresh(known)) return { ...known };
    const stored = await this.#ports.progress.checkpoint(definition, stream);
    return stored === undefined ? undefined : this.remember(stored, []);
  }

  #isFresh({ takenAtMs }: Claim): boolean {
    return this.#ports.clock.now() - takenAtMs < FRESH_MS;
  }

  /** Keeps a claim for the next run that needs one, which may be the run that wrote it. */
  remember(
    stored: Stored<Checkpoint>,
    versions: readonly Version[],
    takenAtMs = this.#ports.clock.now(),
  ): Claim {
    const claim = this.#claimOf(stored, versions, takenAtMs);
    this.#free.set(keyOf(claim), claim);
    return claim;
  }

  #claimOf(
    { value: checkpoint, etag }: Stored<Checkpoint>,
    versions: readonly Version[],
    takenAtMs: number,
  ): Claim {
    const key = startSession(checkpoint.definition, checkpoint.stream);
    const polledAtMs = Math.max(
      checkpoint.polledAt === null ? 0 : Date.parse(checkpoint.polledAt),
      this.#polledAtMs.get(key) ?? 0,
    );
    return { checkpoint, etag, versions, takenAtMs, polledAtMs };
  }

  /** The source was asked and had nothing: remembered here only, it is worth no write. */
  notePoll(claim: Claim, polledAtMs: number): void {
    this.#polledAtMs.set(keyOf(claim), polledAtMs);
    this.#free.set(keyOf(claim), { ...claim, polledAtMs });
  }

  /** A write was lost, or may have been: the next look reads the store. */
  forget(definition: DefinitionId, stream: StreamName): void {
    const key = startSession(definition, stream);
    this.#free.delete(key);
    this.#polledAtMs.delete(key);
  }

  /**
   * The claim with at least one fresh version, taken again where necessary; undefined when another run was faster.
   *
   * A claim serves one run. The broker may hand the same stream to a second run of this process while the first still
   * goes on (its session lock was lost): the second run takes its own claim, which ends the first one's. If they shared
   * one, both would give the same version to what each has read.
   */
  async acquire(claim: Claim): Promise<Claim | undefined> {
    const nowMs = this.#ports.clock.now();
    const isFree = this.#free.get(keyOf(claim))?.etag === claim.etag;
    if (isFree) {
      this.#free.delete(keyOf(claim));
      this.#inUse.add(claim);
    }
    if (claim.versions.length > 0 && this.#isFresh(claim) && this.#inUse.has(claim)) return claim;
    const { checkpoint } = claim;
    const enumerating = checkpoint.phase === "enumerating";
    const lease = {
      owner: enumerating ? this.#ports.stamp.owner : null,
      leaseUntil: enumerating ? new Date(nowMs + leaseMs).toISOString() : null,
    };
    cloudPoint("before-claim");
    const result = await this.#ports.progress.transact(checkpoint.definition, [
      { kind: "patch", id: "counter", increment: { "/version": VERSIONS_PER_CLAIM } },
      {
        kind: "patch",
        id: checkpointId(checkpoint.stream),
        etag: claim.etag,
        set: { "/owner": lease.owner, "/leaseUntil": lease.leaseUntil },
      },
    ]);
    if (!result.ok) {
      this.forget(checkpoint.definition, checkpoint.stream);
      return undefined;
    }
    cloudPoint("after-claim");
    const [counter, written] = result.results;
    const last = versionOf(counter?.value);
    invariant(written, "a transaction returns a result for each operation");
    const versions = Array.from(
      { length: VERSIONS_PER_CLAIM },
      (_, index) => (last - VERSIONS_PER_CLAIM + 1 + index) as Version,
    );
    const stored = { value: { ...checkpoint, ...lease }, etag: written.etag };
    const taken = this.#claimOf(stored, versions, this.#ports.clock.now());
    this.#free.delete(keyOf(taken));
    this.#inUse.add(taken);
    return taken;
  }
}

function keyOf({ checkpoint }: Claim): string {
  return startSession(checkpoint.definition, checkpoint.stream);
}

/** The version of a counter as returned by a patch. */
export function versionOf(counter: unknown): number {
  invariant(
    typeof counter === "object" && counter !== null && "version" in counter,
    "a patch of the counter returns it",
  );
  const { version } = counter;
  invariant(Number.isSafeInteger(version), "a counter has a whole version");
  return Number(version);
}
