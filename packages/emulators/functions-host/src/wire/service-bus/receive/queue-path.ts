import type { ServiceBusClient, ServiceBusReceiver } from "@azure/service-bus";

const DEAD_LETTER_SUFFIX = /\/\$deadletterqueue$/i;

export function isDeadLetterPath(queue: string): boolean {
  return DEAD_LETTER_SUFFIX.test(queue);
}

/** `queue` as in a trigger: a queue's name, or `NAME/$deadletterqueue`. Locks are renewed by lock-renewal.ts. */
export function createQueueReceiver(client: ServiceBusClient, queue: string): ServiceBusReceiver {
  return client.createReceiver(queue.replace(DEAD_LETTER_SUFFIX, ""), {
    receiveMode: "peekLock",
    maxAutoLockRenewalDurationInMs: 0,
    // The host decides how a body is read, see message-data.ts.
    skipParsingBodyAsJson: true,
    ...(isDeadLetterPath(queue) ? { subQueueType: "deadLetter" as const } : {}),
  });
}
