import type { TimerHandler } from "@azure/functions";
import { type ParkedPorts, watchParked } from "./parked-messages";
import { timerTick } from "../triggers/timer-tick";

export function parkedWatchHandler(ports: ParkedPorts): TimerHandler {
  return () => timerTick(ports.logger, "parkedWatch", () => watchParked(ports));
}
