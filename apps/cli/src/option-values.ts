import { InvalidArgumentError } from "commander";

/** Parsers of option values; what they refuse is told with the option's name. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is not a whole number from ${least} to ${most}.`);
  };
}

export function collected(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
