import type { TimerHandler } from "@azure/functions";
import { type CycleWatchPorts, watchCycles } from "../domain/cycle-watch";
import { ServiceUnavailable } from "../domain/ports";

export function cycleWatchHandler(ports: CycleWatchPorts): TimerHandler {
  return async () => {
    try {
      await watchCycles(ports);
    } catch (error) {
      if (!(error instanceof ServiceUnavailable)) throw error;
      ports.logger.warn("watch-missed", { service: error.service, message: error.message });
    }
  };
}
