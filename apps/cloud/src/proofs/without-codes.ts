/**
 * An authentication code as it stands in JSON, also in JSON within JSON, where backslashes stand before the quotes. It
 * begins with a quote: with a run of backslashes that any sender may make long, the search would begin anew at each of
 * them.
 */
const CODE = /("(?:postern:)?code\\*"\s*:\s*\\*")[A-Za-z0-9_-]{43}(?=\\*")/g;

/** A text of JSON that may be shown: codes are left out, for whoever has one can use it. */
export function withoutCodes(text: string): string {
  return text.replace(CODE, "$1…");
}
