const ESCAPE = "\u001b";

/**
 * The part of the terminal that changes in place. On a terminal it is repainted; elsewhere its text is written as a
 * line whenever it has changed, at most once a second, so that a log stays readable.
 */
export class LiveRegion {
  readonly #out: NodeJS.WriteStream;
  #painted = 0;
  #lastLine = "";
  #lastLineAt = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  get interactive(): boolean {
    return this.#out.isTTY;
  }

  paint(lines: readonly string[]): void {
    if (this.interactive) {
      this.#erase();
      const width = this.#out.columns - 1;
      this.#out.write(lines.map((line) => `${clip(line, width)}\n`).join(""));
      this.#painted = lines.length;
      return;
    }
    const line = lines
      .map((each) => each.trim())
      .filter((each) => each !== "")
      .join(" | ");
    const now = performance.now();
    if (line === this.#lastLine || (this.#lastLineAt > 0 && now - this.#lastLineAt < 1_000)) return;
    this.#lastLine = line;
    this.#lastLineAt = now;
    this.#out.write(`${line}\n`);
  }

  /** Writes lasting lines above the region. */
  print(text: string): void {
    this.#erase();
    this.#out.write(`${text}\n`);
  }

  /** Removes the region. */
  clear(): void {
    this.#erase();
  }

  #erase(): void {
    if (this.interactive && this.#painted > 0)
      this.#out.write(`${ESCAPE}[${this.#painted}A${ESCAPE}[J`);
    this.#painted = 0;
  }
}

/** A colour code of the terminal (ESC [ ... m), captured so that splitting keeps it. */
const colourCode = new RegExp(`(${ESCAPE}\\[[0-9;]*m)`);

/** Cuts a line to the width of the terminal, not counting colour codes. */
function clip(line: string, width: number): string {
  let visible = 0;
  let result = "";
  for (const part of line.split(colourCode)) {
    if (part.startsWith(ESCAPE)) {
      result += part;
      continue;
    }
    const room = Math.max(0, width - visible);
    result += part.slice(0, room);
    visible += Math.min(part.length, room);
  }
  return result;
}
