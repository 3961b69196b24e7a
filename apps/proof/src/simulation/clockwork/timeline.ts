/**
 * Simulated time: a queue of events, run one at a time. Between two events every promise that can go on goes on, so
 * that the order of everything follows from the queue alone. Nothing here waits for real time.
 */
export interface TimelineEvent {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** The simulated world begins on a fixed day: no result may depend on when it is computed. */
export const BEGINNING_MS = Date.UTC(2026, 0, 15, 8);

export class Timeline {
  #nowMs = BEGINNING_MS;
  #order = 0;
  #events = 0;
  readonly #heap: TimelineEvent[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  get eventsRun(): number {
    return this.#events;
  }

  at(atMs: number, run: () => void): TimelineEvent {
    const event = { atMs: Math.max(atMs, this.#nowMs), order: this.#order, run };
    this.#order += 1;
    this.#push(event);
    return event;
  }

  after(delayMs: number, run: () => void): TimelineEvent {
    return this.at(this.#nowMs + delayMs, run);
  }

  /** Runs events until `done` returns true, the queue is empty, or there are too many. Returns which. */
  run(done: () => boolean, mostEvents: number): Promise<"done" | "empty" | "too-many"> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (done()) return resolve("done");
          if (this.#events >= mostEvents) return resolve("too-many");
          const event = this.#pop();
          if (event === undefined) return resolve("empty");
          this.#events += 1;
          this.#nowMs = event.atMs;
          event.run?.();
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        // The tick queue is looked at when no microtask is left: the next event finds everything at rest.
        queueMicrotask(() => process.nextTick(step));
      };
      process.nextTick(step);
    });
  }

  #push(event: TimelineEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as TimelineEvent;
      if (before(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): TimelineEvent | undefined {
    const heap = this.#heap;
    for (;;) {
      const top = heap[0];
      const last = heap.pop();
      if (top === undefined || last === undefined) return undefined;
      if (heap.length > 0) this.#sink(last);
      if (top.run !== undefined) return top;
    }
  }

  #sink(event: TimelineEvent): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let least = left;
      if (right !== undefined && before(right, left)) {
        least = right;
        child += 1;
      }
      if (before(event, least)) break;
      heap[index] = least;
      index = child;
    }
    heap[index] = event;
  }
}

function before(a: TimelineEvent, b: TimelineEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
