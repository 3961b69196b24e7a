import type { CycleId, CycleKind, JobId, StreamName, Version } from "@postern/contracts";
import type { CompiledDefinition } from "../mapping/compiled-definition";
import type { Claim } from "../streams/stream-claims";

/** What all pages of one run have in common. */
export interface RunContext {
  readonly compiled: CompiledDefinition;
  readonly stream: StreamName;
  /** Of an on-demand read. */
  readonly jobId: JobId | undefined;
  /** Asks the target for every item of the page, whatever the ledger says. A resync always does. */
  readonly verify: boolean;
}

/** The cycle that pages of a run count in. */
export interface CycleOfRun {
  readonly cycleId: CycleId;
  readonly cycleKind: CycleKind;
  /** True if the store is not known to have the cycle yet: its first page creates it. */
  readonly createCycle: boolean;
}

/**
 * One page, from its claim to its commit. Made once, when the claim and with it the page's version are in hand;
 * indexing, enqueueing and committing all take it as it is.
 */
export interface PageContext extends RunContext, CycleOfRun {
  readonly claim: Claim;
  readonly version: Version;
  /** Enumeration that the page belongs to. */
  readonly generation: number;
}
