import { reportDefect } from "../engine/defect";

/** Runs callbacks in order; one that throws does not stop the others. */
export function runAll(callbacks: readonly (() => void)[]): void {
  for (const callback of callbacks) {
    try {
      callback();
    } catch (error) {
      reportDefect(error);
    }
  }
}
