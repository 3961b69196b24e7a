import { app } from "@azure/functions";
import {
  cloudGroupName,
  jobsQueueName,
  resultsQueueName,
  startQueueName,
  workQueueName,
} from "@postern/contracts";
import { StreamClaims } from "../sync/streams/stream-claims";
import type { Platform } from "./platform";
import { cycleWatchHandler } from "../sync/watch/trigger";
import { deadLetterHandler } from "../dead-letters/trigger";
import { pageRunHandler } from "../sync/pages/trigger";
import { replayWatchHandler } from "../dead-letters/replay/trigger";
import { jobWatchHandler } from "../jobs/trigger";
import { parkedWatchHandler } from "../parked/trigger";
import { pendingWatchHandler, resultsHandler } from "../results/trigger";
import { syncTimerHandler } from "../sync/streams/trigger";

/** App setting (or group of settings) that holds the namespace. */
const connection = "ServiceBusConnection";
const EVERY_MINUTE = "0 * * * * *";
/** A lost lease is noticed 35 s after the last heartbeat: looking this often adds a third to that at most. */
const EVERY_TEN_SECONDS = "*/10 * * * * *";
/** A replay's claim expires a minute after it was made: looking this often doubles that at most. */
const EVERY_MINUTE_AT_HALF = "30 * * * * *";

/** Registers every timer and queue function: six timers, the page run, a results consumer a group, a drain a queue. */
export function registerFunctions(platform: Platform): void {
  app.timer("syncTimer", {
    schedule: "%SYNC_SCHEDULE%",
    handler: syncTimerHandler(platform),
  });
  app.timer("cycleWatch", { schedule: EVERY_MINUTE, handler: cycleWatchHandler(platform) });
  app.timer("parkedWatch", { schedule: EVERY_MINUTE, handler: parkedWatchHandler(platform) });
  app.timer("pendingWatch", { schedule: EVERY_MINUTE, handler: pendingWatchHandler(platform) });
  app.timer("jobWatch", {
    schedule: EVERY_TEN_SECONDS,
    handler: jobWatchHandler(platform.forJobs),
  });
  app.timer("replayWatch", {
    schedule: EVERY_MINUTE_AT_HALF,
    handler: replayWatchHandler(platform),
  });
  app.serviceBusQueue("pageRun", {
    connection,
    queueName: startQueueName,
    isSessionsEnabled: true,
    handler: pageRunHandler({ ports: platform, claims: new StreamClaims(platform) }),
  });
  registerDrain(platform, startQueueName, cloudGroupName);
  for (const group of platform.settings.groups) {
    app.serviceBusQueue(`results-${group.name}`, {
      connection,
      queueName: resultsQueueName(group.name),
      cardinality: "many",
      handler: resultsHandler(platform, group.name),
    });
    registerDrain(platform, resultsQueueName(group.name), group.name);
    registerDrain(platform, jobsQueueName(group.name), group.name);
    for (const target of group.targets) {
      registerDrain(platform, workQueueName(group.name, target), group.name);
    }
  }
}

function registerDrain(platform: Platform, queue: string, group: string): void {
  app.serviceBusQueue(`dead-${queue}`, {
    connection,
    queueName: `${queue}/$DeadLetterQueue`,
    handler: deadLetterHandler(platform, { queue, group }),
  });
}
