import type { StopSignal } from "../connector";

/** The memory of a flag, shared between threads. */
export type StopCell = SharedArrayBuffer;

/**
 * Tells a target's thread to start nothing more. Shared memory, because a thread that runs one statement after another
 * reads no messages in between.
 */
export class StopFlag implements StopSignal {
  readonly cell: StopCell;
  readonly reason: Error = new Error("the batch was stopped");
  readonly #raised: Int32Array;

  constructor(cell: StopCell = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.cell = cell;
    this.#raised = new Int32Array(cell);
  }

  get aborted(): boolean {
    return Atomics.load(this.#raised, 0) === 1;
  }

  raise(): void {
    Atomics.store(this.#raised, 0, 1);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}
