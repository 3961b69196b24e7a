/**
 * Pauses while a cloud service does not answer: short enough to be back within 15 s of its return, growing to spare it.
 */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 4_000;

/** Failures of each, when `asking` requests at a time have failed so often together. */
export function failuresEach(failures: number, asking: number): number {
  return Math.ceil(failures / asking);
}

/** 100, 200, 400 … 4,000 ms, each between half and all of that; never less than the service asked for. */
export function outagePauseMs(failures: number, jitter: number, askedMs = 0): number {
  const doubled = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10), LONGEST_PAUSE_MS);
  return Math.max(doubled * (0.5 + jitter / 2), Math.min(askedMs, 30_000));
}
