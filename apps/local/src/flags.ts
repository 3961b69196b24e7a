/** How `npm start`, `chaos`, `bench` and `simulate` read their command lines, with one wording of what is wrong. */
import { nearest } from "@postern/contracts";
import path from "node:path";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** The command line is wrong; the message names the flag and the problem. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
}

function parse<const Flags extends ParseArgsOptionsConfig>(argv: readonly string[], flags: Flags) {
  return parseArgs({ args: [...argv], options: flags, allowPositionals: false, strict: true });
}

/** @throws OptionsError for an unknown flag (with the nearest known one), a stray argument or a missing value */
export function readFlags<const Flags extends ParseArgsOptionsConfig>(
  argv: readonly string[],
  flags: Flags,
): ReturnType<typeof parse<Flags>>["values"] {
  try {
    return parse(argv, flags).values;
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    const unknown = /'(--?[^' ]+)/.exec(message)?.[1];
    const suggestion =
      unknown === undefined ? undefined : nearest(unknown.replace(/^-+/, ""), Object.keys(flags));
    throw new OptionsError(
      suggestion === undefined || unknown === `--${suggestion}`
        ? message
        : `${message} Did you mean --${suggestion}?`,
    );
  }
}

export interface NumberBounds {
  /** Both ends included. */
  readonly least: number;
  readonly most: number;
  /** Whether fractions are refused; default: they are. */
  readonly whole?: boolean;
}

/** @throws OptionsError unless the text is a number within the bounds */
export function numberFlag(
  name: string,
  text: string,
  { least, most, whole = true }: NumberBounds,
): number {
  const value = Number(text);
  const written = whole ? /^\d+$/.test(text) : text.trim() !== "";
  if (written && value >= least && value <= most) return value;
  throw new OptionsError(
    `--${name}: '${text}' is not a ${whole ? "whole " : ""}number from ${least} to ${most}`,
  );
}

/**
 * The absolute path of a file or directory.
 *
 * @param directory relative paths start here
 * @throws OptionsError if the path is empty
 */
export function pathFlag(name: string, text: string, directory: string): string {
  if (text === "") throw new OptionsError(`--${name}: needs a path`);
  return path.resolve(directory, text);
}
