import type { DefinitionId, FailureClass, ErrorCode, WorkItem } from "@postern/contracts";

/**
 * The interface between the agent and a private system. A connector is a kind of system (`sql`); a target is one opened
 * system of that kind. Every connector passes the conformance kit.
 */
export interface Connector<Settings, Context extends TargetContext = TargetContext> {
  readonly kind: string;
  /**
   * Checks a target's settings as they stand in the agent's settings file, and fills in the defaults.
   *
   * @throws PosternError `settings-invalid` with one line for each problem, `$.field: problem`
   */
  readonly parseSettings: (settings: unknown) => Settings;
  /** Opens the target without contacting it: a target that is unreachable now may be reachable later. */
  readonly open: (settings: Settings, context: Context) => Target;
}

/** What the agent gives to every target. A connector that needs more extends it. */
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
  /** Aborted when the lane's lock is lost or the agent stops. No side effect may begin after that. */
  readonly signal: AbortSignal;
}

export interface ProbeOptions extends ApplyOptions {
  /**
   * Requires an answer from the target itself, as `target.test` does. Otherwise a target may rely on a cheaper check as
   * long as nothing suggests that it is down. Default false.
   */
  readonly thorough?: boolean;
}

/** What a target checks before each side effect: an AbortSignal, or a flag that threads share. */
export type StopSignal = Pick<AbortSignal, "aborted" | "reason" | "throwIfAborted">;

/**
 * The outcome of one item:
 * - `applied`: this call brought the target to the item's state.
 * - `replayed`: the target's inbox shows that exactly this version was applied before; nothing was written.
 * - `unchanged`: the target already held the state; only the inbox advanced.
 * - `superseded`: the target's inbox shows a newer version; nothing was written.
 * - `failed`: nothing of this item was written.
 * - `unknown`: the item may or may not have been written (only targets without an inbox).
 */
export type ApplyResult =
  | { readonly outcome: "applied" | "replayed" | "unchanged" | "superseded" }
  | { readonly outcome: "failed" | "unknown"; readonly failure: TargetFailure };

export interface TargetFailure {
  readonly class: FailureClass;
  readonly code: ErrorCode;
  /** For a person: what the target reported and how to fix it. Contains no value of the item and no secret. */
  readonly message: string;
  /** Set when the target asks for a pause. */
  readonly retryAfterMs?: number;
}

export interface ProbeResult {
  readonly reachable: boolean;
  /** For a person: why the target is not reachable. */
  readonly reason?: string;
  /** For example `SQLite 3.53.4`. */
  readonly product?: string;
  readonly durationMs: number;
}

export interface Target {
  readonly name: string;
  readonly kind: string;
  /**
   * True when the target stores the item's version in the same transaction as its effect. Only then is a blind retry
   * safe.
   */
  readonly hasInbox: boolean;
  /** Largest batch that `apply` accepts. */
  readonly maxBatchItems: number;
  /**
   * Reports whether the target answers and accepts the agent's login. Never throws; ends when the signal is aborted.
   */
  probe(options: ProbeOptions): Promise<ProbeResult>;
  /**
   * Applies a batch and returns one result per item, in order. The items of a batch belong to different entities. An
   * item that fails does not affect the others. A failure of the target is a result, not an exception. If the signal is
   * aborted before the commit, the call rejects with the signal's reason and nothing was written.
   */
  apply(items: readonly ApplyItem[], options: ApplyOptions): Promise<readonly ApplyResult[]>;
  /**
   * Whether the target has a thread in this process. A statement in that thread cannot be interrupted, and an orderly
   * exit of the process would wait for it. Absent for a target without threads.
   */
  readonly hasThread?: boolean;
  /**
   * Releases what the target holds. Safe to call twice.
   *
   * @throws PosternError `target-timeout` when a statement that cannot be interrupted is still running: the process
   * must not wait for it
   */
  close(): Promise<void>;
}
