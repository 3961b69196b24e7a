import type { TimerHandler } from "@azure/functions";
import type { SyncPorts } from "../../ports/cloud-ports";
import { tick } from "./sync-timer";
import { timerTick } from "../../triggers/timer-tick";

/** The tick is when it was due, not when it ran: instances that tick together then ask for the same. */
export function syncTimerHandler(ports: SyncPorts): TimerHandler {
  return async (timer) => {
    const due = Date.parse(timer.scheduleStatus?.last ?? "");
    const nowMs = ports.clock.now();
    // Far from now it is the status of another time; then the clock is the better witness, rounded to agree.
    const tickMs =
      Number.isNaN(due) || Math.abs(nowMs - due) > 1_000 ? Math.floor(nowMs / 1_000) * 1_000 : due;
    await timerTick(ports.logger, "syncTimer", () => tick(ports, tickMs));
  };
}
