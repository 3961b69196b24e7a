/**
 * What the sync half of the cloud needs from the world. Adapters implement these over the Azure SDKs, the simulation
 * over maps and a fake clock; decisions and flows reach nothing past them.
 */
import type { BranchId, TenantId, WorkerGroup } from "@postern/contracts";
import type { Logger, Random, Tracing, WallClock } from "@postern/runtime";
import type { KnownAgents } from "./known-agents";
import type { MessageBus } from "./message-bus";
import type { GraphSource } from "./source";
import type { SecurityEvents } from "./security-events";
import type {
  DeadLetterSink,
  DefinitionStore,
  HoldStore,
  IndexStore,
  JobUpdates,
  ProgressStore,
} from "./stores";
import type { WorkKeys } from "./work-keys";

/** Who and where this app is: on every message and document. */
export interface Stamp {
  readonly tenant: TenantId;
  readonly branch: BranchId;
  /** CloudEvents `source`. */
  readonly source: string;
  /**
   * Claims are taken in this name: the instance, so that a restarted process takes over its own lease without waiting.
   */
  readonly owner: string;
  readonly groups: readonly WorkerGroup[];
}

export interface SyncPorts {
  readonly stamp: Stamp;
  readonly clock: WallClock;
  /** Resolves after everything that has already arrived has been handed over. */
  readonly turn: () => Promise<void>;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly bus: MessageBus;
  readonly graph: GraphSource;
  readonly definitions: DefinitionStore;
  readonly progress: ProgressStore;
  readonly index: IndexStore;
  readonly holds: HoldStore;
  readonly deadLetters: DeadLetterSink;
  readonly jobs: JobUpdates;
  readonly workKeys: WorkKeys;
  readonly security: SecurityEvents;
  readonly knownAgents: KnownAgents;
}
