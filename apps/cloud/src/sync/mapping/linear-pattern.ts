/**
 * Regular expressions in time that grows with the text: RE2, as the specification of CEL asks. The engine of JavaScript
 * tries again and again (`^(a+)+$` on forty characters takes minutes) and cannot be stopped meanwhile.
 */
import type * as Re2 from "re2js";
import { expressionBounds } from "./expression-budget";

export interface LinearPattern {
  /** Instructions: a match takes at most this many steps for each character. */
  readonly size: number;
  test(text: string): boolean;
}

/** The pattern is not one, or too large. The message does not quote it: it may come from an entity. */
export class PatternInvalid extends Error {
  override readonly name = "PatternInvalid";
}

const MAX_KEPT = 500;
const kept = new Map<string, LinearPattern>();

/** @throws PatternInvalid */
export function linearPattern(pattern: string): LinearPattern {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  const made = compile(pattern);
  // Patterns that come from entities would grow without end.
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(pattern, made);
  return made;
}

function compile(pattern: string): LinearPattern {
  const { patternChars, patternSize } = expressionBounds;
  if (pattern.length > patternChars)
    throw new PatternInvalid(`a regular expression has more than ${patternChars} characters`);
  const { RE2JS, RE2JSException } = engine();
  let compiled: Re2.RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new PatternInvalid(
      "a regular expression is not one of RE2: see github.com/google/re2/wiki/Syntax",
    );
  }
  const size = compiled.programSize();
  if (size > patternSize)
    throw new PatternInvalid(`a regular expression compiles to more than ${patternSize} steps`);
  return { size, test: (text) => compiled.test(text) };
}

/** Loaded with the first pattern: most definitions have none, and its tables take 20 ms of a cold start. */
function engine(): typeof Re2 {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would run with the program
  return require("re2js") as typeof Re2;
}
