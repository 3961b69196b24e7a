import { type HostileRow, times } from "./hostile-row";

const row = (
  name: string,
  make: (size: number) => string,
  within: number,
  beyond: number,
  says: RegExp,
): HostileRow<string> => ({ name, make, within, beyond, says });

/** Added to a settings file that an agent starts with, or to a definition file of the local platform. */
export const fileRows: readonly HostileRow<string>[] = [
  row(
    "- - -",
    (size) => (size ? `x:\n  ${"- ".repeat(size)}` : ""),
    0,
    100_000,
    /nested more than 32/,
  ),
  row(
    "? ? ?",
    (size) => (size ? `x: ${"? ".repeat(size)}` : ""),
    0,
    100_000,
    /nested more than 32/,
  ),
  row("[{[{", (size) => (size ? `x: ${"[{".repeat(size)}` : ""), 0, 100_000, /nested more than 32/),
  row("]]]", (size) => "]".repeat(size), 0, 200_000, /a bracket closes nothing/),
  row("comments", (size) => "#\n".repeat(size), 5_000, 100_000, /more than 40000 tokens/),
  row(
    "aliases",
    (size) => (size ? `x: &x [1]\ny: [${times(size, (n) => `${n ? "," : ""}*x`)}]\n` : ""),
    0,
    5_000,
    /too many aliases/,
  ),
  row("bytes", (size) => `# ${"x".repeat(size)}\n`, 200_000, 3_000_000, /larger than/),
];
