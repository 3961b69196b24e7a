import { type QueueTopology, queueTopology, type WorkerGroup } from "@postern/contracts";
import { FakeQueue, type QueueEvents } from "./fake-queue";
import type { Timeline } from "../clockwork/timeline";

/** All queues of one branch, as the product's own topology describes them. */
export class FakeBroker {
  readonly queues = new Map<string, FakeQueue>();

  constructor(
    timeline: Timeline,
    groups: readonly WorkerGroup[],
    lockDurationMs: number,
    events: QueueEvents,
  ) {
    for (const options of queueTopology(groups, { lockDurationMs })) {
      this.queues.set(options.name, new FakeQueue(timeline, topologyOf(options), events));
    }
  }

  queue(name: string): FakeQueue {
    const found = this.queues.get(name);
    if (found === undefined) throw new RangeError(`there is no queue '${name}'`);
    return found;
  }

  /** Unsettled messages by queue, dead-letter queues included. Empty queues are left out. */
  depths(): Map<string, number> {
    const depths = new Map<string, number>();
    for (const queue of this.queues.values()) {
      for (const each of [queue, queue.deadLetters]) {
        if (each !== undefined && each.depth > 0) depths.set(each.name, each.depth);
      }
    }
    return depths;
  }
}

function topologyOf(options: QueueTopology): QueueTopology {
  return { ...options, maxDeliveryCount: Math.max(options.maxDeliveryCount, 20) };
}
