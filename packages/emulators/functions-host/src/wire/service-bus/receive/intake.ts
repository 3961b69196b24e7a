import type { ProcessErrorArgs } from "@azure/service-bus";

/** One attempt at receiving from one queue over one client. Thrown away as a whole when it is broken. */
export interface Intake {
  start(): void;
  /** How long nothing has been received or run. */
  readonly idleMs: number;
  /** Takes nothing new and waits for what runs. */
  drain(): Promise<void>;
  /** Lets go of everything at once; what is in hand stays unsettled. */
  close(): Promise<void>;
}

export type ReportError = (args: Pick<ProcessErrorArgs, "error" | "errorSource">) => void;
