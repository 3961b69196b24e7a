import { appendFileSync } from "node:fs";

/** What chaos did and saw, line by line, in a file that outlives the processes it describes. */
export class History {
  readonly file: string;
  readonly #began = performance.now();

  constructor(file: string) {
    this.file = file;
  }

  note(kind: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const atMs = Math.round(performance.now() - this.#began);
    appendFileSync(
      this.file,
      `${JSON.stringify({ atMs, time: new Date().toISOString(), kind, ...fields })}\n`,
    );
  }
}
