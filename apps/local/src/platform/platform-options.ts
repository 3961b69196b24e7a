import type { SyncDefinition } from "@postern/contracts";
import type { DataDirectory } from "./data-directory";

export type Connection =
  | "functions-service-bus"
  | "functions-cosmos"
  | "functions-graph"
  | "functions-key-vault"
  | "entra"
  | "agent-service-bus"
  | "agent-cosmos"
  | "agent-api";

/** What a part of the product is started with beyond its own. */
export interface ProcessExtras {
  /** Another file than the node that runs the platform. */
  readonly node?: string;
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface PlatformOptions {
  readonly data: DataDirectory;
  readonly definition: SyncDefinition;
  readonly targetUrl: string;
  /** Targets of the group beside the definition's, by name: each has its queue, and every agent reaches all. */
  readonly moreTargets?: Readonly<Record<string, string>>;
  /** Tenant file to load before anything reads it. */
  readonly tenantFile: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How often Graph is polled, as an NCRONTAB expression. */
  readonly syncSchedule?: string;
  /** Lock of work messages; the default of the topology when absent. */
  readonly lockDurationMs?: number;
  /** Leave the agent out (tests that look at the queues). */
  readonly withoutAgent?: boolean;
  /** How many agents: `agent`, `agent-2`, and so on. Default 1. */
  readonly agents?: number;
  /**
   * Returns the port that a connection of the product uses to reach a service on the given port, because a proxy may
   * stand in between. Other users of the emulators connect directly.
   */
  readonly connect?: (connection: Connection, port: number) => Promise<number>;
  /** Flags and environment of the parts of the product: `functions`, `agent`, `agent-2`, ... */
  readonly extras?: (name: string) => ProcessExtras;
  /** Pauses before a part that ended is started again. */
  readonly restartDelaysMs?: readonly number[];
  readonly onProcess?: (name: string, state: "starting" | "ready", tookMs: number) => void;
}

/** Of the administrator, renewed while the platform runs. */
export interface Tokens {
  readonly token: string;
  readonly graphToken: string;
  readonly keyVaultToken: string;
}

export interface Endpoints extends Tokens {
  readonly functions: string;
  readonly graph: string;
  readonly serviceBus: string;
  readonly cosmos: string;
  readonly keyVault: string;
  readonly blob: string;
  readonly caFile: string;
  readonly target: string;
}
