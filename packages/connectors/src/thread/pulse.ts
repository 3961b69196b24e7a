/** The memory of a pulse: passed from thread to thread, not copied. */
export type PulseCell = SharedArrayBuffer;

/**
 * Counts the statements of a thread that have come back. The other thread sees a long batch get on, though no message is
 * sent before its end. It wraps around: only that it moves says something.
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
