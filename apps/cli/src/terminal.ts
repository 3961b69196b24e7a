import type { Readable, Writable } from "node:stream";

/** Where the command reads from and writes to, and what it knows of the person in front of it. Made by `main.ts`. */
export interface Terminal {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable;
  /** A person can be asked. */
  readonly interactive: boolean;
  /** The line under way can be rewritten. */
  readonly rewritable: boolean;
  /** Of stdout; each stream may be redirected without the other. */
  readonly colours: boolean;
  readonly stderrColours: boolean;
  /** Columns to fit tables into; undefined: as wide as they are. */
  readonly columns: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly home: string;
}

/** What rendering needs of it. */
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
