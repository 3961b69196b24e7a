import type { TimerHandler } from "@azure/functions";
import type { DeadLetterPorts } from "../dead-letter-ports";
import { resumeReplays } from "./resume-replays";
import { timerTick } from "../../triggers/timer-tick";

export function replayWatchHandler(ports: DeadLetterPorts): TimerHandler {
  return () => timerTick(ports.logger, "replayWatch", () => resumeReplays(ports));
}
