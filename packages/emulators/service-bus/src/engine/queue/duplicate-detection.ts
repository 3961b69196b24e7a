import { DuplicateHistory } from "../messages/duplicate-history";
import type { QueueServices } from "../model/queue-options";
import type { StoredQueue } from "../model/store";

const FORGET_INTERVAL_MS = 1000;

/** Recognises messages that were sent before, within a queue's duplicate detection window. */
export class DuplicateDetection {
  readonly #queueId: number;
  readonly #services: QueueServices;
  readonly #history: DuplicateHistory | undefined;

  /** @param windowMs null: the queue detects no duplicates */
  constructor(stored: StoredQueue, windowMs: number | null, services: QueueServices) {
    this.#queueId = stored.queueId;
    this.#services = services;
    if (windowMs === null) return;
    this.#history = new DuplicateHistory(windowMs);
    for (const { messageId, expiresAtMs } of stored.recentIds)
      this.#history.restore(messageId, expiresAtMs);
  }

  /** Remembers the id of a message that is not a duplicate. */
  isDuplicate(messageId: string, nowMs: number): boolean {
    if (this.#history === undefined) return false;
    if (this.#history.has(messageId, nowMs)) return true;
    const expiresAtMs = this.#history.add(messageId, nowMs);
    this.#services.store.rememberId(this.#queueId, messageId, expiresAtMs);
    this.#services.wakeAt(expiresAtMs);
    return false;
  }

  /**
   * Forgets old ids, many at a time: being late does no harm, because `isDuplicate` looks at the time too.
   *
   * @returns when to call again; Infinity: never
   */
  forget(nowMs: number): number {
    if (this.#history === undefined) return Infinity;
    if (this.#history.forget(nowMs)) this.#services.store.forgetIds(this.#queueId, nowMs);
    return Math.max(this.#history.nextExpiryMs, nowMs + FORGET_INTERVAL_MS);
  }
}
