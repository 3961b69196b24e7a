import type { ServiceBusQueueHandler } from "@azure/functions";
import type { QueueOfGroup } from "../ports/message-bus";
import { drainDeadLetter } from "./drain/dead-letter-drain";
import type { SyncPorts } from "../ports/cloud-ports";
import { singleMessage } from "../triggers/queue-message";

export function deadLetterHandler(ports: SyncPorts, queue: QueueOfGroup): ServiceBusQueueHandler {
  return (body, context) => drainDeadLetter(ports, queue, singleMessage(body, context));
}
