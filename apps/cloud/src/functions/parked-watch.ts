import type { TimerHandler } from "@azure/functions";
import { type ParkedPorts, watchParked } from "../domain/parked-messages";
import { timerTick } from "./timer-tick";

export function parkedWatchHandler(ports: ParkedPorts): TimerHandler {
  return () => timerTick(ports.logger, "parkedWatch", () => watchParked(ports));
}
