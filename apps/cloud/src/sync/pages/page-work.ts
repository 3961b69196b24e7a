import {
  cloudPoint,
  type CycleId,
  type CycleKind,
  type StartMessage,
  type Version,
} from "@postern/contracts";
import type { CompiledDefinition } from "../mapping/compiled-definition";
import type { LeftBehind } from "../entities/index-merge";
import { commitPage } from "./page-commit";
import { enqueue, type PageOutcome } from "./page-enqueue";
import type { SourceChange } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
import { type Claim, leaseMs, type StreamClaims } from "../streams/stream-claims";
import { runWorkPage } from "../entities/work-page";

export interface CycleOfRun {
  readonly cycleId: CycleId;
  readonly kind: CycleKind;
  /** Nobody has noted it yet, as far as is known. */
  readonly create: boolean;
}

export interface PageOfRun {
  readonly version: Version;
  readonly generation: number;
  readonly cycle: CycleOfRun;
}

/** What a run does with each page of its stream, read or swept: index and enqueue, then commit. Undefined: a write lost. */
export class PageWork {
  readonly #ports: SyncPorts;
  readonly #claims: StreamClaims;
  readonly #message: StartMessage;

  constructor(ports: SyncPorts, claims: StreamClaims, message: StartMessage) {
    this.#ports = ports;
    this.#claims = claims;
    this.#message = message;
  }

  /** Rejects with `SourceError` when the source does not show what came back. */
  async work(
    compiled: CompiledDefinition,
    { version, generation, cycle }: PageOfRun,
    changes: readonly SourceChange[],
    leftBehind?: LeftBehind,
  ): Promise<PageOutcome | undefined> {
    const { definition, stream } = this.#message;
    cloudPoint("before-index");
    const result = await runWorkPage(this.#ports, {
      compiled,
      stream,
      cycleId: cycle.cycleId,
      version,
      generation,
      changes,
      ...(leftBehind === undefined ? {} : { leftBehind }),
    });
    if (result === undefined) {
      this.#claims.forget(definition, stream);
      return undefined;
    }
    cloudPoint("after-index");
    return enqueue(this.#ports, {
      compiled,
      result,
      version,
      stream,
      cycleId: cycle.cycleId,
      jobId: undefined,
    });
  }

  commit(
    claim: Claim,
    { version, generation, cycle }: PageOfRun,
    outcome: PageOutcome,
    to: { link: string | null; settled: boolean; polledAtMs: number },
  ): Promise<Claim | undefined> {
    const { checkpoint } = claim;
    const leaseUntil = new Date(this.#ports.clock.now() + leaseMs).toISOString();
    return commitPage(this.#ports, this.#claims, {
      claim,
      version,
      stream: this.#message.stream,
      cycle,
      next: {
        link: to.link,
        phase: to.settled ? "settled" : "enumerating",
        generation,
        cycleId: to.settled ? null : cycle.cycleId,
        owner: to.settled ? null : this.#ports.stamp.owner,
        leaseUntil: to.settled ? null : leaseUntil,
        polledAt: new Date(to.polledAtMs).toISOString(),
        page: checkpoint.page + 1,
      },
      streamDone: to.settled,
      counts: outcome.counts,
      failures: outcome.failures,
    });
  }
}
