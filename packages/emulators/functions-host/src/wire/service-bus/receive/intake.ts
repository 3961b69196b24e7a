import type { ProcessErrorArgs } from "@azure/service-bus";

/** Receives from one queue over one client. Replaced as a whole when it is broken. */
export interface Intake {
  start(): void;
  /** How long nothing has been received or running. */
  readonly idleMs: number;
  /** Takes nothing new and waits for running invocations. */
  drain(): Promise<void>;
  /** Ends immediately; messages in hand stay unsettled. */
  close(): Promise<void>;
}

export type ReportError = (args: Pick<ProcessErrorArgs, "error" | "errorSource">) => void;
