/** Where a text stops being what it should be. */
export interface Flaw {
  readonly problem: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}

export type Reading =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly flaw: Flaw };

/** `line 3, column 7: nested more than 32 levels deep`. */
export function flawText({ problem, line, column }: Flaw): string {
  return `line ${line}, column ${column}: ${problem}`;
}

export function flawAt(text: string, problem: string, offset: number): Flaw {
  const before = text.slice(0, offset);
  return {
    problem,
    line: before.split("\n").length,
    column: offset - before.lastIndexOf("\n"),
  };
}
