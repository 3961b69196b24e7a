import type { Broker } from "../../engine/broker";

// Standard charges this many credits for a management call, and one for a message.
const CREDITS_PER_MANAGEMENT_CALL = 10;

/** Counters since start; gauges are read from the queues on demand. */
export class Statistics {
  connections = 0;
  messagesSent = 0;
  messagesReceived = 0;
  settlements = 0;
  managementCalls = 0;

  snapshot(broker: Broker): Record<string, number> {
    const result: Record<string, number> = {
      connections: this.connections,
      messagesSent: this.messagesSent,
      messagesReceived: this.messagesReceived,
      settlements: this.settlements,
      managementCalls: this.managementCalls,
      operations:
        this.messagesSent +
        this.messagesReceived +
        CREDITS_PER_MANAGEMENT_CALL * this.managementCalls,
      active: 0,
      scheduled: 0,
      deferred: 0,
      deadLettered: 0,
    };
    const gauge = (name: string, queue: string, value: number): void => {
      result[name] = (result[name] ?? 0) + value;
      result[`${name}:${queue}`] = value;
    };
    for (const queue of broker.queues()) {
      gauge("active", queue.name, queue.activeCount);
      gauge("scheduled", queue.name, queue.scheduledCount);
      gauge("deferred", queue.name, queue.deferredCount);
      gauge("deadLettered", queue.name, queue.deadLetters?.activeCount ?? 0);
      result[`locked:${queue.name}`] = queue.lockedCount;
    }
    return result;
  }
}
