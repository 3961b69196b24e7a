import type { TimerHandler } from "@azure/functions";
import { type CycleWatchPorts, watchCycles } from "./cycle-watch";
import { timerTick } from "../../triggers/timer-tick";

export function cycleWatchHandler(ports: CycleWatchPorts): TimerHandler {
  return () => timerTick(ports.logger, "cycleWatch", () => watchCycles(ports));
}
