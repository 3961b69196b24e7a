/**
 * A row of the tables of hostile input: one way in which input grows or is twisted. The same row makes the
 * neighbour, which has to be taken, and the hostile one, which has to be refused by name; so neither a bound that is
 * too narrow nor one that is missing goes unseen.
 */
export interface HostileRow<Input> {
  readonly name: string;
  /** The input at a size: levels, elements, bytes, repetitions. */
  readonly make: (size: number) => Input;
  /** A size that is taken. */
  readonly within: number;
  /** A size that is refused. */
  readonly beyond: number;
  /** Occurs in the refusal. */
  readonly says: RegExp;
}

/** What became of one row, as the process that tried it reports it. */
export interface RowOutcome {
  readonly table: string;
  readonly name: string;
  /** What was said of the hostile input. */
  readonly said: string;
  /** What was said of its neighbour afterwards: `taken` when it was. */
  readonly neighbour: string;
  /** Processor time that the hostile one took, in milliseconds. */
  readonly processorMs: number;
}

export const times = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join("");
