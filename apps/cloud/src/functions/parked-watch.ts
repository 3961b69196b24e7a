import type { TimerHandler } from "@azure/functions";
import { type ParkedPorts, watchParked } from "../domain/parked-messages";
import { ServiceUnavailable } from "../domain/ports";

export function parkedWatchHandler(ports: ParkedPorts): TimerHandler {
  return async () => {
    try {
      await watchParked(ports);
    } catch (error) {
      if (!(error instanceof ServiceUnavailable)) throw error;
      ports.logger.warn("parked-not-looked-after", { service: error.service });
    }
  };
}
