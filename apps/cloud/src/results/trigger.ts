import type { ServiceBusQueueHandler } from "@azure/functions";
import { eventAttribute, type GroupName } from "@postern/contracts";
import { spanCauses } from "@postern/runtime";
import { isParked, keepParked, type ParkedPorts } from "../parked/parked-messages";
import type { SyncPorts } from "../ports/cloud-ports";
import { consumeResults } from "./results";
import { batchOfMessages } from "../triggers/queue-message";

export function resultsHandler(
  ports: SyncPorts & ParkedPorts,
  group: GroupName,
): ServiceBusQueueHandler {
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
      async () => {
        const { parked = [], results = [] } = Object.groupBy(messages, (message) =>
          isParked(message) ? "parked" : "results",
        );
        if (parked.length > 0) await keepParked(ports, group, parked);
        if (results.length > 0) await consumeResults(ports, group, results);
      },
    );
  };
}
