import type { LocalCertificates } from "./certificates";
import type { FaultPlan } from "./faults";

/** What every emulator can be started with. */
export interface EmulatorOptions {
  /** Port on 127.0.0.1; 0 or absent: any free one. */
  readonly port?: number | undefined;
  /** Port of the control server; 0 or absent: any free one. */
  readonly controlPort?: number | undefined;
  /** Directory that keeps the data over a restart; absent: data lives in memory. */
  readonly dataDirectory?: string | undefined;
}

/** What every emulator that speaks https can be started with. */
export interface HttpsEmulatorOptions extends EmulatorOptions {
  readonly certificates: LocalCertificates;
  /** Port that clients use when something forwards it; URLs are made with it. Default: the port listened on. */
  readonly publicPort?: number | undefined;
}

/** A started emulator, in this process. */
export interface Emulator {
  readonly faults: FaultPlan;
  /** URL of the control server. */
  readonly control: string;
  /** Counters and gauges by name, as `GET /stats` of the control server shows them. */
  stats(): Record<string, number>;
  /** Ends every connection; with a data directory, everything acknowledged is on disk afterwards. */
  close(): Promise<void>;
}
