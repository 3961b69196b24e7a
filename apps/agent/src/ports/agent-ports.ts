/**
 * What the agent needs of the outside world. Decisions (`domain/`) and runners (`runners/`) know nothing else, so that the
 * same code runs against Azure, against the emulators, and in a simulation under a fake clock.
 */
import type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  ProbeOptions,
  ProbeResult,
} from "@postern/connectors";
import type {
  AgentId,
  Heartbeat,
  HeartbeatReply,
  ItemTrial,
  JobId,
  Lane,
  LedgerEntry,
  ProcessRecord,
  TargetName,
} from "@postern/contracts";
import type { Clock, Logger, RandomSource, Tracing } from "@postern/runtime";

/** A message as it was delivered; settled through the lane or job source that delivered it. */
export interface Delivery {
  readonly messageId: string;
  /** Deliveries before this one. */
  readonly deliveryCount: number;
  readonly properties: Readonly<Record<string, unknown>> | undefined;
  readonly body: unknown;
  /** Lets the broker deliver one more message in its place. Idempotent. */
  readonly returnCredit: () => void;
}

export interface DeadLetterReason {
  readonly code: string;
  /** For a person: what is wrong and the way out. */
  readonly text: string;
}

/**
 * A held session. Once `lost` is aborted nothing of it can be settled any more, and no side effect may begin.
 */
export interface LaneSession {
  readonly sessionId: string;
  readonly lost: AbortSignal;
  /** False from the moment the lock has run out, even when the broker's word of it is still on its way. */
  readonly isHeld: () => boolean;
  /** Begins delivery of at most `credits` messages whose credit has not been returned. Called once. */
  readonly subscribe: (credits: number, onDelivery: (delivery: Delivery) => void) => void;
  /** @throws BrokerError when the broker did not confirm it */
  readonly complete: (delivery: Delivery) => Promise<void>;
  /** @throws BrokerError when the broker did not confirm it */
  readonly deadLetter: (delivery: Delivery, reason: DeadLetterReason) => Promise<void>;
  /** Gives the lane up; what was delivered and not settled goes back without a delivery being counted. */
  readonly close: () => Promise<void>;
}

/** Delivery of job messages from a queue without sessions. */
export interface JobSource {
  readonly complete: (delivery: Delivery) => Promise<void>;
  readonly deadLetter: (delivery: Delivery, reason: DeadLetterReason) => Promise<void>;
  /** Gives a message back; a delivery is counted. */
  readonly abandon: (delivery: Delivery) => Promise<void>;
  /** Takes nothing more; what has come can still be settled. */
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface OutgoingMessage {
  readonly messageId: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Broker {
  /**
   * Waits for a lane that has work and is free.
   *
   * @returns undefined when there was none within the broker's waiting time
   * @throws BrokerError when the broker does not answer
   */
  readonly acceptLane: (queue: string, signal: AbortSignal) => Promise<LaneSession | undefined>;
  readonly openJobs: (
    queue: string,
    maxInFlight: number,
    onDelivery: (delivery: Delivery) => void,
  ) => JobSource;
  /** @throws BrokerError unless the broker has accepted all of them */
  readonly send: (queue: string, messages: readonly OutgoingMessage[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

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
  /** Entries by id. @throws LedgerError */
  readonly read: (
    lane: Lane,
    ids: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, LedgerRecord>>;
  /** All or nothing. `conflict`: something was written since it was read. @throws LedgerError */
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

/** Where items that run alone are written down: see `domain/trial`. */
export interface TrialBook {
  /** @throws LedgerError */
  readonly read: (lane: Lane, signal: AbortSignal) => Promise<TrialsRecord>;
  /** The new etag, or undefined if something was written since it was read. @throws LedgerError */
  readonly write: (
    lane: Lane,
    record: TrialsRecord,
    stamp: { readonly agent: AgentId; readonly at: string },
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  /** How this agent's last process ended; undefined before the first. @throws LedgerError */
  readonly lastProcess: (
    agent: AgentId,
  ) => Promise<Pick<ProcessRecord, "process" | "unclean"> | undefined>;
  /** @throws LedgerError */
  readonly noteProcess: (
    agent: AgentId,
    record: Pick<ProcessRecord, "process" | "unclean" | "at">,
  ) => Promise<void>;
}

/** The part of a connector's target that runners use. */
export interface TargetPort {
  readonly name: string;
  readonly kind: string;
  readonly hasInbox: boolean;
  readonly maxBatchItems: number;
  readonly probe: (options: ProbeOptions) => Promise<ProbeResult>;
  readonly apply: (
    items: readonly ApplyItem[],
    options: ApplyOptions,
  ) => Promise<readonly ApplyResult[]>;
  /** Whether a thread of the target is in the process, which an orderly end would wait for. */
  readonly hasThread?: boolean;
  readonly close: () => Promise<void>;
}

export type AttemptReply =
  | { readonly kind: "leased"; readonly attempt: number; readonly leaseUntil: string }
  | { readonly kind: "held" }
  | { readonly kind: "gone" }
  /** The job is over; or the cloud does not know this agent yet, or lost a race for the job: those pass. */
  | { readonly kind: "conflict"; readonly detail: string };

export interface ControlApi {
  /** @throws ApiError */
  readonly heartbeat: (agent: AgentId, heartbeat: Heartbeat) => Promise<HeartbeatReply>;
  /** @throws ApiError when it cannot be told whether the attempt is leased */
  readonly leaseAttempt: (job: JobId, agent: AgentId) => Promise<AttemptReply>;
}

/** What the agent is built from. */
export interface AgentPorts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly broker: Broker;
  readonly ledger: Ledger;
  /** Absent: an item that ends the process is never given up. */
  readonly trials?: TrialBook;
  readonly api: ControlApi;
  readonly log: Logger;
  readonly tracing: Tracing;
  /** One per target of the settings. */
  readonly targets: ReadonlyMap<TargetName, TargetPort>;
}
