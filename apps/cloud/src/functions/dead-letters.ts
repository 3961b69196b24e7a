import type { ServiceBusQueueHandler } from "@azure/functions";
import type { QueueOfGroup } from "../domain/cloud-dead-letters";
import { drainDeadLetter } from "../domain/dead-letter-drain";
import type { SyncPorts } from "../domain/ports";
import { singleMessage } from "./queue-message";

export function deadLetterHandler(ports: SyncPorts, queue: QueueOfGroup): ServiceBusQueueHandler {
  return (body, context) => drainDeadLetter(ports, queue, singleMessage(body, context));
}
