import { runAll } from "./run-all";
import type { Store, StoredQueue } from "../engine/model/store";

/** Keeps nothing beyond the life of the process. */
export class MemoryStore implements Store {
  #nextQueueId = 1;
  #callbacks: (() => void)[] = [];

  sharedAccessKey(given: string | undefined, make: () => string): string {
    return given ?? make();
  }

  openQueue(): StoredQueue {
    return {
      queueId: this.#nextQueueId++,
      nextSequenceNumber: 1,
      messages: [],
      sessionStates: [],
      recentIds: [],
    };
  }

  touch(): void {}

  reserveSequenceNumbers(): void {}

  saveSessionState(): void {}

  rememberId(): void {}

  forgetIds(): void {}

  after(callback: () => void): void {
    this.#callbacks.push(callback);
    if (this.#callbacks.length > 1) return;
    process.nextTick(() => {
      const callbacks = this.#callbacks;
      this.#callbacks = [];
      runAll(callbacks);
    });
  }

  close(): void {}
}
