/** The ledger of what targets hold, and the book of items that may end the process. */
import type { AgentId, ItemTrial, Lane, LedgerEntry, ProcessRecord } from "@postern/contracts";

export interface LedgerRecord {
  readonly entry: LedgerEntry;
  readonly etag: string;
}

export interface LedgerWrite {
  readonly entry: LedgerEntry;
  /** Etag that was read; absent: no entry was there. */
  readonly etag: string | undefined;
}

export interface Ledger {
  /** Entries by id. @throws OutageError */
  readonly read: (
    lane: Lane,
    ids: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, LedgerRecord>>;
  /** All or nothing. `conflict`: something was written since it was read. @throws OutageError */
  readonly write: (
    lane: Lane,
    writes: readonly LedgerWrite[],
    signal: AbortSignal,
  ) => Promise<"written" | "conflict">;
}

export interface TrialsRecord {
  /** Process that applies a whole unit with nothing else under way. */
  readonly unit: string | undefined;
  readonly trials: readonly ItemTrial[];
  /** Absent: nothing was written down yet. */
  readonly etag: string | undefined;
}

/** Where items that run alone are written down: see `suspects/trial`. */
export interface TrialBook {
  /** @throws OutageError */
  readonly read: (lane: Lane, signal: AbortSignal) => Promise<TrialsRecord>;
  /** The new etag, or undefined if something was written since it was read. @throws OutageError */
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
