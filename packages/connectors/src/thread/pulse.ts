/** The memory of a pulse, shared between threads. */
export type PulseCell = SharedArrayBuffer;

/**
 * Counts the statements that have returned in a thread. It shows the other thread that a long batch makes progress,
 * although no message is sent before the end of the batch. The counter wraps around: only its changes have a meaning.
 */
export class Pulse {
  readonly cell: PulseCell;
  readonly #beats: Int32Array;

  constructor(cell: PulseCell = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.cell = cell;
    this.#beats = new Int32Array(cell);
  }

  get beats(): number {
    return Atomics.load(this.#beats, 0);
  }

  beat(): void {
    Atomics.add(this.#beats, 0, 1);
  }
}
