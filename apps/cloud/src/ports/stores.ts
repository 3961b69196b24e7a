/** What several features keep in Cosmos DB. Stores that one feature alone uses are in its folder. */
import type {
  Checkpoint,
  Cycle,
  CycleId,
  DeadLetter,
  DefinitionCounter,
  DefinitionId,
  EntityRef,
  EntityType,
  Hold,
  IndexEntry,
  JobId,
  JobResultMessage,
  Marker,
  OutcomeCounts,
  PageRecord,
  StreamName,
  SyncDefinition,
  Version,
} from "@postern/contracts";

/** A document and the etag that a conditional write of it has to carry. */
export interface Stored<T> {
  readonly value: T;
  readonly etag: string;
}

/** A sync definition as stored, container `definitions`. */
export interface DefinitionRecord {
  readonly id: DefinitionId;
  readonly definition: SyncDefinition;
  readonly appliedAt: string;
  /**
   * A mapping change whose resync has not been started yet: the timer starts it if the request that applied it could
   * not.
   */
  readonly resyncDue: boolean;
}

export interface DefinitionStore {
  /** From a cache of at most 10 s unless `fresh`. */
  get(
    id: DefinitionId,
    options?: { fresh?: boolean },
  ): Promise<Stored<DefinitionRecord> | undefined>;
  /** All definitions, by id. From a cache of at most 10 s unless `fresh`. */
  list(options?: { fresh?: boolean }): Promise<readonly Stored<DefinitionRecord>[]>;
  /** Undefined when a document with that id exists. */
  create(record: DefinitionRecord): Promise<Stored<DefinitionRecord> | undefined>;
  /** Undefined when the document has changed since `etag`. */
  replace(record: DefinitionRecord, etag: string): Promise<Stored<DefinitionRecord> | undefined>;
}

export type ProgressDocument = Checkpoint | DefinitionCounter | PageRecord | Cycle | Marker;

export type ProgressOperation =
  | { readonly kind: "create"; readonly document: ProgressDocument }
  | { readonly kind: "replace"; readonly document: ProgressDocument; readonly etag: string }
  | {
      readonly kind: "patch";
      readonly id: string;
      readonly set?: Readonly<Record<string, unknown>>;
      readonly increment?: Readonly<Record<string, number>>;
      readonly remove?: readonly string[];
      readonly etag?: string;
    };

export type TransactionResult =
  | { readonly ok: true; readonly results: readonly Stored<unknown>[] }
  | {
      readonly ok: false;
      /** Index of the operation that failed: nothing was written. */
      readonly failedAt: number;
      readonly reason: "exists" | "changed" | "missing";
    };

export interface CycleHistory {
  readonly pages: readonly PageRecord[];
  readonly markers: readonly Marker[];
}

export interface ProgressStore {
  checkpoint(definition: DefinitionId, stream: StreamName): Promise<Stored<Checkpoint> | undefined>;
  counter(definition: DefinitionId): Promise<Stored<DefinitionCounter> | undefined>;
  /** Which of these versions have a page record: their pages were committed. */
  committed(definition: DefinitionId, versions: readonly Version[]): Promise<ReadonlySet<Version>>;
  cycle(definition: DefinitionId, cycleId: CycleId): Promise<Stored<Cycle> | undefined>;
  /** Newest first, about `limit`. A continuation is a time: all cycles of the next page began before it. */
  cycles(
    definition: DefinitionId,
    options: { limit: number; continuation?: string | undefined },
  ): Promise<{ items: readonly Cycle[]; continuation: string | null }>;
  /**
   * Cycles that the cycle watch has not closed, ordered by id: by the time at which they began, on-demand cycles
   * last. At most `limit`; fewer at the end.
   */
  openCycles(
    definition: DefinitionId,
    options: { limit: number; after?: CycleId | undefined },
  ): Promise<readonly Stored<Cycle>[]>;
  /** Page records and markers of these cycles. */
  history(definition: DefinitionId, cycles: readonly CycleId[]): Promise<CycleHistory>;
  /** All or nothing, within one definition. */
  transact(
    definition: DefinitionId,
    operations: readonly ProgressOperation[],
  ): Promise<TransactionResult>;
  marker(definition: DefinitionId, id: string): Promise<Marker | undefined>;
  /** Returns which of them were new; an existing marker is left as it is. */
  createMarkers(markers: readonly Marker[]): Promise<readonly boolean[]>;
}

export interface IndexWrite {
  readonly entry: IndexEntry;
  /** Undefined: it must not exist yet. */
  readonly etag: string | undefined;
}

/** What a membership needs to know of its group and its member. */
export type Standing = Pick<IndexEntry, "exists" | "inScope" | "held">;

export interface Enumeration {
  readonly generation: number;
  /** Version of the last page committed before it. */
  readonly comparedFrom: number;
}

export interface IndexStore {
  /** By `entityKey`. */
  read(
    definition: DefinitionId,
    entities: readonly EntityRef[],
  ): Promise<Map<string, Stored<IndexEntry>>>;
  /** Only their standing, by `entityKey`. */
  standings(
    definition: DefinitionId,
    entities: readonly EntityRef[],
  ): Promise<Map<string, Standing>>;
  /**
   * Returns the new etags by `entityKey`, or undefined if a write lost to a newer one (others may have been written).
   */
  write(writes: readonly IndexWrite[]): Promise<Map<string, string> | undefined>;
  /** Memberships of these groups, or with these members. */
  membershipsOf(
    definition: DefinitionId,
    ends: { groupIds: readonly string[]; memberIds: readonly string[] },
  ): Promise<Stored<IndexEntry>[]>;
  /**
   * Entries that an enumeration has not seen (of those gone before it, only those found gone after `comparedFrom`), or
   * has seen only in part, or that a sweep has found. At most `limit`.
   */
  leftBehind(
    definition: DefinitionId,
    types: readonly EntityType[],
    enumeration: Enumeration,
    limit: number,
  ): Promise<Stored<IndexEntry>[]>;
  /** Number of entries that have a held item. */
  countHeld(definition: DefinitionId): Promise<number>;
}

export interface HoldStore {
  put(holds: readonly Hold[]): Promise<void>;
  /** Ids that do not exist are ignored. */
  remove(definition: DefinitionId, ids: readonly string[]): Promise<void>;
  get(definition: DefinitionId, id: string): Promise<Hold | undefined>;
  /** Ordered by id. A continuation is the id after which the next page begins. */
  list(
    definition: DefinitionId,
    options: { limit: number; continuation?: string | undefined },
  ): Promise<{ items: readonly Hold[]; continuation: string | null }>;
}

export interface DeadLetterSink {
  /**
   * An existing dead letter is left as it is, also one of the same item and message under another id: the same message
   * may be drained or reported twice.
   */
  add(deadLetters: readonly DeadLetter[]): Promise<void>;
  /** The dead letter that has sent this replay or, of the same item, a later one. */
  replayed(itemId: string | null, messageId: string): Promise<Stored<DeadLetter> | undefined>;
  /** False when it has changed since `etag`. */
  replace(deadLetter: DeadLetter, etag: string): Promise<boolean>;
}

/** How far the items of an on-demand job are. Later calls carry the same or higher numbers. */
export interface JobProgress {
  readonly expectedItems: number;
  readonly outcomes: OutcomeCounts;
  /** Every stream has been read and every item has its final outcome. */
  readonly complete: boolean;
}

/** What queue consumers report to jobs. Unknown and ended jobs are ignored. */
export interface JobUpdates {
  recordProgress(jobId: JobId, progress: JobProgress): Promise<void>;
  recordResult(message: JobResultMessage): Promise<void>;
}
