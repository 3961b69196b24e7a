import { clip } from "./clip";
import { limits } from "./limits";

/** Levenshtein distance, for "did you mean". Inputs are keys of configuration: short. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(
        Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution),
      );
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The known word nearest to `word`, if any is near enough to be what was meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = clip(word.toLowerCase(), limits.quotedChars);
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const found = distance(lower, candidate.toLowerCase());
    if (best === undefined || found < best.distance) best = { word: candidate, distance: found };
  }
  if (best === undefined || best.distance > Math.max(1, Math.floor(lower.length / 2)))
    return undefined;
  return best.word;
}
