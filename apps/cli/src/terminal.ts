import type { Readable, Writable } from "node:stream";

/** The streams that commands use, and what they may do with them. Created by `main.ts`. */
export interface Terminal {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  /** Whether the current line of stderr can be rewritten. */
  readonly rewritable: boolean;
  /** Colours on stdout; each stream may be redirected without the other. */
  readonly colours: boolean;
  readonly stderrColours: boolean;
  /** Width to fit tables into; undefined: tables take the width they need. */
  readonly columns: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly home: string;
}

/** What rendering needs to know about the terminal. */
export interface View {
  readonly columns: number | undefined;
  readonly colours: boolean;
  /** Unix milliseconds. */
  readonly now: number;
}

export function viewOf(terminal: Terminal, stream: "stdout" | "stderr"): View {
  const { columns, colours, stderrColours } = terminal;
  return { columns, colours: stream === "stdout" ? colours : stderrColours, now: terminal.now() };
}
