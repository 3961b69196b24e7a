import type { TimerHandler } from "@azure/functions";
import type { ParkedPorts } from "./parked-ports";
import { watchParked } from "./send-parked";
import { timerTick } from "../triggers/timer-tick";

export function parkedWatchHandler(ports: ParkedPorts): TimerHandler {
  return () => timerTick(ports.logger, "parkedWatch", () => watchParked(ports));
}
