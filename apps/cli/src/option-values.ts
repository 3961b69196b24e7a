import { InvalidArgumentError } from "commander";

/** Parsers of option values; what they refuse is told with the option's name. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is not a whole number from ${least} to ${most}.`);
  };
}

/** The value of a header field: visible ASCII, with spaces only inside. */
export function headerValue(text: string): string {
  if (/^[\u0021-\u007e]([\u0020-\u007e]*[\u0021-\u007e])?$/.test(text)) return text;
  throw new InvalidArgumentError(
    "It is not a line of visible ASCII characters, as a header needs.",
  );
}

export function collected(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
