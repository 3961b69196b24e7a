import type { StopSignal } from "../connector";

/** The memory of a flag: passed from thread to thread, not copied. */
export type StopCell = SharedArrayBuffer;

/**
 * "Begin nothing more", as both threads see it at the same moment. A message would not do: a thread that runs one
 * statement after another reads none between them.
 */
export class StopFlag implements StopSignal {
  readonly cell: StopCell;
  readonly reason: Error = new Error("told to stop");
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
