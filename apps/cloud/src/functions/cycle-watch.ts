import type { TimerHandler } from "@azure/functions";
import { ServiceUnavailable, type SyncPorts } from "../domain/ports";
import { watchCycles } from "../domain/sync-timer";

export function cycleWatchHandler(ports: SyncPorts): TimerHandler {
  return async () => {
    try {
      await watchCycles(ports);
    } catch (error) {
      if (!(error instanceof ServiceUnavailable)) throw error;
      ports.logger.warn("watch-missed", { service: error.service, message: error.message });
    }
  };
}
