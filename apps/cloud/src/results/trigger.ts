import type { ServiceBusQueueHandler, TimerHandler } from "@azure/functions";
import { eventAttribute, type GroupName } from "@postern/contracts";
import { spanCauses } from "@postern/runtime";
import { isParked, keepParked } from "../parked/keep-parked";
import type { ParkedPorts } from "../parked/parked-ports";
import type { SyncPorts } from "../ports/cloud-ports";
import type { ReceivedMessage } from "../ports/message-bus";
import { judgePending } from "../security/pending-message";
import { batchOfMessages } from "../triggers/queue-message";
import { timerTick } from "../triggers/timer-tick";
import { consumeResults } from "./results";

type Ports = SyncPorts & ParkedPorts;

export function resultsHandler(ports: Ports, group: GroupName): ServiceBusQueueHandler {
  return async (bodies, context) => {
    const messages = batchOfMessages(bodies, context);
    const causes = messages.map(({ properties }) => eventAttribute(properties, "traceparent"));
    await ports.tracing.span(
      "count results",
      {
        kind: "consumer",
        ...spanCauses(causes),
        attributes: { "postern.messages": messages.length },
      },
      () => takeMessages(ports, group, messages),
    );
  };
}

/** Judges again what came when its key was not known. */
export function pendingWatchHandler(ports: Ports): TimerHandler {
  return () =>
    timerTick(ports.logger, "pendingWatch", () =>
      judgePending(ports, (group, message) => takeMessages(ports, group, [message])),
    );
}

/** What agents park and what they report share a queue; neither must cost the other its turn. */
async function takeMessages(
  ports: Ports,
  group: GroupName,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const { parked = [], results = [] } = Object.groupBy(messages, (message) =>
    isParked(message) ? "parked" : "results",
  );
  const taken = await Promise.allSettled([
    parked.length > 0 ? keepParked(ports, group, parked) : undefined,
    results.length > 0 ? consumeResults(ports, group, results) : undefined,
  ]);
  const failed = taken.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
