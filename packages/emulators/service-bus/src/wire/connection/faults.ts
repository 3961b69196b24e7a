import type { FaultPlan } from "@postern/emulator-kit";
import { BrokerError } from "../../engine/model/broker-error";

/** The connection on which a fault strikes. */
export interface FaultyConnection {
  /** Drops the TCP connection. */
  drop(): void;
  /** Calls back later, unless the connection has gone by then. Returns what cancels it. */
  later(delayMs: number, action: () => void): () => void;
}

export interface Operation {
  /** Carries the operation out. `replies` false: drop the connection instead of replying. */
  run: (replies: boolean) => void;
  refuse: (error: BrokerError) => void;
}

const SERVER_BUSY =
  "The request was terminated because the namespace is being throttled. Error code : 50009. Please wait 2 seconds and try again.";

/** Runs an operation as the fault plan says. */
export function underFaults(
  faults: FaultPlan,
  connection: FaultyConnection,
  operation: string,
  resource: string,
  { run, refuse }: Operation,
): void {
  const fault = faults.take(operation, resource);
  if (fault === undefined) return run(true);
  switch (fault.kind) {
    case "delay":
      connection.later(fault.delayMs, () => run(true));
      return;
    case "cut":
      return connection.drop();
    case "refuse":
      return refuse(
        new BrokerError(
          "entity-disabled",
          `Refused by the fault plan: ${operation} on '${resource}'.`,
        ),
      );
    case "throttle":
      return refuse(new BrokerError("server-busy", SERVER_BUSY));
    case "lose-reply":
      return run(false);
  }
}
