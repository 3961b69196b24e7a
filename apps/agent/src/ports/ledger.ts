/** The ledger of applied states, and the record of items that may end the process. */
import type { AgentId, ItemTrial, Lane, LedgerEntry, ProcessRecord } from "@postern/contracts";

export interface LedgerRecord {
  readonly entry: LedgerEntry;
  readonly etag: string;
}

export interface LedgerWrite {
  readonly entry: LedgerEntry;
  /** Etag that was read; undefined when there was no entry. */
  readonly etag: string | undefined;
}

export interface Ledger {
  /** Entries by id. @throws OutageError */
  readonly read: (
    lane: Lane,
    ids: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, LedgerRecord>>;
  /** Writes all or nothing. `conflict`: an entry has changed since it was read. @throws OutageError */
  readonly write: (
    lane: Lane,
    writes: readonly LedgerWrite[],
    signal: AbortSignal,
  ) => Promise<"written" | "conflict">;
}

export interface TrialsRecord {
  /** The process that applies a whole unit while nothing else runs. */
  readonly unit: string | undefined;
  readonly trials: readonly ItemTrial[];
  /** Undefined: nothing has been written yet. */
  readonly etag: string | undefined;
}

/** The store for items that run alone: see `suspects/trial`. */
export interface TrialBook {
  /** @throws OutageError */
  readonly read: (lane: Lane, signal: AbortSignal) => Promise<TrialsRecord>;
  /** Returns the new etag, or undefined if the record has changed since it was read. @throws OutageError */
  readonly write: (
    lane: Lane,
    record: TrialsRecord,
    author: { readonly agent: AgentId; readonly at: string },
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  /** How this agent's last process ended; undefined before the first. @throws OutageError */
  readonly lastProcess: (
    agent: AgentId,
  ) => Promise<Pick<ProcessRecord, "process" | "unclean"> | undefined>;
  /** @throws OutageError */
  readonly noteProcess: (
    agent: AgentId,
    record: Pick<ProcessRecord, "process" | "unclean" | "at">,
  ) => Promise<void>;
}
