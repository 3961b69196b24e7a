import type { ServiceBusQueueHandler } from "@azure/functions";
import {
  cloudGroupName,
  eventAttribute,
  PosternError,
  readMessage,
  START_MESSAGE_TYPE,
  StartMessage,
  startQueueName,
} from "@postern/contracts";
import { storeUnreadable } from "../../dead-letters/drain/dead-letter-drain";
import { runOnDemand } from "./on-demand";
import { type PageRunOptions, runPages } from "./page-run";
import { singleMessage } from "../../triggers/queue-message";

export function pageRunHandler(options: PageRunOptions): ServiceBusQueueHandler {
  const { ports } = options;
  return async (body, context) => {
    const received = singleMessage(body, context);
    let message: StartMessage;
    try {
      message = readMessage(
        { schema: StartMessage, type: START_MESSAGE_TYPE },
        received.properties,
        received.body,
      );
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      return storeUnreadable(
        ports,
        { queue: startQueueName, group: cloudGroupName },
        received,
        error,
      );
    }
    const { definition, stream, reason, onDemand } = message;
    await ports.tracing.span(
      "page run",
      {
        kind: "consumer",
        parent: eventAttribute(received.properties, "traceparent"),
        attributes: {
          "postern.definition": definition,
          "postern.stream": stream,
          "postern.reason": reason,
        },
      },
      () =>
        onDemand === undefined
          ? runPages(options, message)
          : runOnDemand(options, { ...message, onDemand }),
    );
  };
}
