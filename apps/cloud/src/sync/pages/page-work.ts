import { cloudPoint } from "@postern/contracts";
import type { LeftBehind } from "../entities/index-merge";
import { commitPage } from "./page-commit";
import type { PageContext } from "./page-context";
import { enqueue, type PageOutcome } from "./page-enqueue";
import type { SourceChange, UnreadableEntity } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
import { type Claim, leaseMs, type StreamClaims } from "../streams/stream-claims";
import { runWorkPage } from "../entities/work-page";

export interface PageInput {
  readonly changes: readonly SourceChange[];
  readonly unreadable?: readonly UnreadableEntity[];
  readonly leftBehind?: LeftBehind;
}

/**
 * What is done with every page, whether read, swept or read on demand: index and enqueue, then commit. Each returns
 * undefined when a write lost to a newer one.
 */
export class PageWork {
  readonly #ports: SyncPorts;
  readonly #claims: StreamClaims;

  constructor(ports: SyncPorts, claims: StreamClaims) {
    this.#ports = ports;
    this.#claims = claims;
  }

  /** @throws SourceError when the source does not show an entity that came back */
  async send(
    page: PageContext,
    { changes, unreadable = [], leftBehind }: PageInput,
  ): Promise<PageOutcome | undefined> {
    cloudPoint("before-index");
    const result = await runWorkPage(this.#ports, {
      ...page,
      changes,
      ...(leftBehind === undefined ? {} : { leftBehind }),
    });
    if (result === undefined) {
      this.#claims.forget(page.compiled.definition.id, page.stream);
      return undefined;
    }
    cloudPoint("after-index");
    return enqueue(this.#ports, page, result, unreadable);
  }

  /** Commits a page of an enumeration or a poll: the checkpoint moves on. */
  commit(
    page: PageContext,
    outcome: PageOutcome,
    to: { readonly link: string | null; readonly settled: boolean; readonly polledAtMs: number },
  ): Promise<Claim | undefined> {
    const { claim, generation, cycleId } = page;
    const leaseUntil = new Date(this.#ports.clock.now() + leaseMs).toISOString();
    return commitPage(this.#ports, this.#claims, page, outcome, {
      next: {
        link: to.link,
        phase: to.settled ? "settled" : "enumerating",
        generation,
        cycleId: to.settled ? null : cycleId,
        owner: to.settled ? null : this.#ports.stamp.owner,
        leaseUntil: to.settled ? null : leaseUntil,
        polledAt: new Date(to.polledAtMs).toISOString(),
        page: claim.checkpoint.page + 1,
      },
      streamDone: to.settled,
    });
  }

  /** Commits an on-demand read: the checkpoint stays where it is. */
  commitInPlace(page: PageContext, outcome: PageOutcome): Promise<Claim | undefined> {
    // A running enumeration continues where it was, without waiting for this run's lease to expire.
    const next = { ...page.claim.checkpoint, owner: null, leaseUntil: null };
    return commitPage(this.#ports, this.#claims, page, outcome, { next, streamDone: true });
  }
}
