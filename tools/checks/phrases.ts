/**
 * Phrases that are wrong wherever they stand, with what to write instead: add a line when a review finds another. Searched in
 * sources (comments, texts, test names) and in documents.
 */
export const phrases: readonly (readonly [RegExp, string])[] = [
  [/\bat most so many\b/i, "show at most this many"],
  [/\bdoes not get on\b/i, "fails, or makes no progress"],
  [/\bis no id at\b/i, "is not a valid … id"],
  [/\bask again later whether\b/i, "try again"],
  [/\bHow an? \w+ is called\b/, "Name of …"],
  [/\bnot any further\b/i, "no longer"],
  [/\bis told of\b/i, "is reported to, or is logged"],
  [/\bsees to the beginning\b/i, "name what is done first"],
  [/\bare like that\b/i, "match"],
  [/\bsays something about \w+ only\b/i, "contains … only"],
  [/\bcomes to the end of\b/i, "completes"],
];
