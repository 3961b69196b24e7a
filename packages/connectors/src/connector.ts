import type { DefinitionId, FailureClass, ErrorCode, WorkItem } from "@postern/contracts";

/**
 * The one interface between the agent and a private system. A connector is a kind of system (`sql`); a target is one
 * opened system of that kind. Each connector passes the conformance kit.
 */
export interface Connector<Settings, Context extends TargetContext = TargetContext> {
  readonly kind: string;
  /** Schema and defaults of the target's settings, as they stand in the agent's settings file. */
  readonly parseSettings: (settings: unknown) => Settings;
  /** Opens the target without contacting it: what is unreachable now may be reachable later. */
  readonly open: (settings: Settings, context: Context) => Target;
}

/** What the agent offers to a target. A connector that wants more than this extends it. */
export interface TargetContext {
  /** Name of the target, for spans and errors. */
  readonly name: string;
}

/** One item and the definition it belongs to. */
export interface ApplyItem {
  readonly definition: DefinitionId;
  readonly item: WorkItem;
}

export interface ApplyOptions {
  /** Aborted when the lane's lock is lost or the agent stops: no side effect may begin after it. */
  readonly signal: AbortSignal;
}

export interface ProbeOptions extends ApplyOptions {
  /**
   * Somebody asked for it: the target itself has to answer. Otherwise a target may tell from less, as long as nothing
   * speaks against it. Default false.
   */
  readonly thorough?: boolean;
}

/** What a target looks at before each side effect. An AbortSignal is one; a flag that threads share is another. */
export type StopSignal = Pick<AbortSignal, "aborted" | "reason" | "throwIfAborted">;

/**
 * What became of one item at the target:
 * - `applied`: the target holds the item's state because of this call.
 * - `replayed`: the target's inbox shows that this very version was applied before; nothing was written.
 * - `unchanged`: the target held the state already; only the inbox advanced.
 * - `superseded`: the target's inbox shows a newer version; nothing was written.
 * - `failed`: nothing of this item was written.
 * - `unknown`: it cannot be told whether the item was written (only targets without an inbox).
 */
export type ApplyResult =
  | { readonly outcome: "applied" | "replayed" | "unchanged" | "superseded" }
  | { readonly outcome: "failed" | "unknown"; readonly failure: TargetFailure };

export interface TargetFailure {
  readonly class: FailureClass;
  readonly code: ErrorCode;
  /** For a person: what the target said and the way out. Never a value of the item, never a secret. */
  readonly message: string;
  /** Where the target asks for a pause. */
  readonly retryAfterMs?: number;
}

export interface ProbeResult {
  readonly reachable: boolean;
  /** For a person, when it is not. */
  readonly reason?: string;
  /** For example `SQLite 3.53.4`. */
  readonly product?: string;
  readonly durationMs: number;
}

export interface Target {
  readonly name: string;
  readonly kind: string;
  /**
   * True when the target stores the item's version in the same transaction as its effect. Only such a target may be
   * retried blindly.
   */
  readonly hasInbox: boolean;
  /** Largest batch that `apply` takes. */
  readonly maxBatchItems: number;
  /** Whether it answers and lets the agent in. Never throws; bounded by the signal. */
  probe(options: ProbeOptions): Promise<ProbeResult>;
  /**
   * Applies a batch and answers one result per item, in order. Items of one batch are of different entities. One item's
   * failure never costs another its turn. Does not throw for what the target does: that is a result. Rejects with the
   * signal's reason when it was aborted before the effect was committed: nothing was written then.
   */
  apply(items: readonly ApplyItem[], options: ApplyOptions): Promise<readonly ApplyResult[]>;
  /**
   * Whether a thread of the target is in the process: with a statement in it that cannot be interrupted, an orderly end of
   * the process would wait for it. Absent for a target that has no threads.
   */
  readonly hasThread?: boolean;
  /**
   * Ends what the target holds. Safe to call twice.
   * @throws PosternError `target-timeout` when a statement that cannot be interrupted still runs: the process must not
   * wait for it
   */
  close(): Promise<void>;
}
