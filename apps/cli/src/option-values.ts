import { InvalidArgumentError } from "commander";

/** Parsers of option values. Commander puts the option's name in front of their messages. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** The value of a header field: visible ASCII, with spaces only inside. */
export function headerValue(text: string): string {
  if (/^[\u0021-\u007e]([\u0020-\u007e]*[\u0021-\u007e])?$/.test(text)) return text;
  throw new InvalidArgumentError(
    "It is sent as a header, so it must be one line of visible ASCII characters.",
  );
}

export function collected(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
