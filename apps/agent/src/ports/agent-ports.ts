/**
 * Everything the agent needs from the outside world. Only `app/` knows the adapters behind these ports, so the same
 * code runs against Azure, against the emulators, and in a simulation under a fake clock.
 */
import type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  ProbeOptions,
  ProbeResult,
} from "@postern/connectors";
import type { TargetName } from "@postern/contracts";
import type { Clock, Logger, RandomSource, Tracing } from "@postern/runtime";
import type { Broker } from "./broker";
import type { ControlApi } from "./control-api";
import type { Ledger, TrialBook } from "./ledger";

/** The part of a connector's target that the agent uses. */
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
  /** Whether a thread of the target is running; an orderly exit of the process would wait for it. */
  readonly hasThread?: boolean;
  readonly close: () => Promise<void>;
}

/** Everything the agent is built from. */
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
  /** One per target in the settings. */
  readonly targets: ReadonlyMap<TargetName, TargetPort>;
}
